"""On AWS the endpoint is reached over TLS."""

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from load.endpoint import Endpoint, Question
from load.schedule import Level
from load.traffic import Traffic
from tests.load.conftest import StubSession
from tests.load.stub import Stub


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate for localhost that nobody else has signed, and one with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def encrypted(certificate):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    with Stub(tls=tls) as stub:
        yield Endpoint.of(StubSession(stub.url), "iris", [Question("4.6,3.1", "1")])


def test_answers_come_over_tls(encrypted, certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[0]))
    with Traffic(Level(4, 40), encrypted) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.failures == {}
    assert traffic.recording.answered == 40


def test_nothing_is_sent_to_somebody_whose_certificate_is_not_trusted(encrypted):
    with Traffic(Level(1, 3), encrypted) as traffic:
        assert traffic.wait(30)
    assert traffic.recording.failures == {"connection refused": 3}
    assert "certificate" in traffic.recording.failed[0].detail.lower()
