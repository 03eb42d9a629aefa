from container.bill_of_materials import add_debian_packages


def test_the_bases_packages_come_behind_those_of_python() -> None:
    document = {"bomFormat": "CycloneDX", "components": [{"name": "numpy"}]}
    added = add_debian_packages(document, "libc6\t2.41-12+deb13u1\tamd64\nadduser\t3.152\tall\n")
    assert added["bomFormat"] == "CycloneDX"
    assert [(each["name"], each.get("purl")) for each in added["components"]] == [
        ("numpy", None),
        ("adduser", "pkg:deb/debian/adduser@3.152?arch=all"),
        ("libc6", "pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=amd64"),
    ]
