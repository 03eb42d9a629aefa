from collections.abc import Iterator

import pytest

from container.native import library
from container.native.build import FLAGS, compile_library, find_compiler


@pytest.fixture(scope="module", params=["this", "any other"])
def processor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The library as it runs on this machine, and as on a processor without the instructions that it has uses for."""
    if request.param == "this":
        yield
        return
    compiler = find_compiler()
    assert compiler
    portable = tmp_path_factory.mktemp("portable") / "library.so"
    compile_library(compiler, portable, (*FLAGS, "-DPORTABLE"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "library_path", lambda: portable)
        library.function.cache_clear()
        yield
    library.function.cache_clear()
