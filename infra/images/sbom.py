"""The bill of materials of an image, as CycloneDX: the packages of Python and Debian in it, and Python itself."""

from collections.abc import Iterator
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from infra.images.contents import Contents, DebianPackage, PythonPackage

NO_LICENCE = {"", "UNKNOWN"}
OF_LICENCES = "License :: "
"How classifiers of licences begin."
REVISION = "reelwright:revision"
"Name of the property with the source that the image was made from."
LONGEST_NAME = 80
"Characters; a licence in more words is a text and no name."


def sbom(image: Contents, version: str) -> str:
    """The document. The same image gives the same text, so that whoever makes it again can compare."""
    bom = Bom(serial_number=uuid5(NAMESPACE_OID, image.id), metadata=_metadata(image, version))
    bom.components = [*_platform(image), *map(_python, image.packages), *(_debian(one, image) for one in image.debian)]
    assert bom.metadata.component is not None
    bom.register_dependency(bom.metadata.component, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _metadata(image: Contents, version: str) -> BomMetaData:
    about = Component(
        type=ComponentType.CONTAINER,
        name=image.name.partition(":")[0],
        version=version,
        bom_ref=image.id,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=image.id.removeprefix("sha256:"))],
        properties=[Property(name=REVISION, value=image.revision)] if image.revision else [],
    )
    tools = ToolRepository(components=[this_component()])
    return BomMetaData(component=about, tools=tools, timestamp=datetime.fromisoformat(image.created))


def _platform(image: Contents) -> Iterator[Component]:
    yield Component(
        type=ComponentType.OPERATING_SYSTEM,
        name=image.os["ID"],
        version=image.os.get("VERSION_ID"),
        bom_ref="os",
    )
    yield Component(
        type=ComponentType.PLATFORM,
        name="python",
        version=image.python,
        bom_ref="python",
        cpe=f"cpe:2.3:a:python:python:{image.python}:*:*:*:*:*:*:*",
        purl=PackageURL("generic", name="python", version=image.python),
        licenses=_licences("PSF-2.0"),
    )


def _python(one: PythonPackage) -> Component:
    purl = PackageURL("pypi", name=one.name, version=one.version)
    return Component(
        name=one.name,
        version=one.version,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one.sha256)] if one.sha256 else [],
        licenses=_licences(*licences(one)),
    )


def _debian(one: DebianPackage, image: Contents) -> Component:
    # Advisories are about sources: who compares with them needs the name of the source where it differs.
    source = f"{one.source}@{one.source_version}"
    upstream = {"upstream": source} if source != f"{one.name}@{one.version}" else {}
    system = image.os["ID"]
    qualifiers = {"arch": one.architecture, "distro": f"{system}-{image.os.get('VERSION_ID', '')}", **upstream}
    purl = PackageURL("deb", system, one.name, one.version, qualifiers)
    return Component(name=one.name, version=one.version, bom_ref=str(purl), purl=purl)


def licences(one: PythonPackage) -> list[str]:
    """The licences that a package declares: one that SPDX knows, else what its classifiers or its own words say."""
    known = [text for text in (one.expression, one.licence) if text not in NO_LICENCE and not _is_name(text)]
    if known:
        return known[:1]
    classified = [text.rpartition(" :: ")[2] for text in one.classifiers if text.startswith(OF_LICENCES)]
    named = [text for text in classified if text != "OSI Approved"]
    words = one.licence.strip()
    own = [words] if words not in NO_LICENCE and "\n" not in words and len(words) <= LONGEST_NAME else []
    return named or own


def _licences(*texts: str) -> list[License]:
    make = LicenseFactory().make_from_string
    return [make(text, license_acknowledgement=LicenseAcknowledgement.DECLARED) for text in texts]


def _is_name(text: str) -> bool:
    """True if SPDX does not know it, as an identifier or as an expression of such."""
    licence = LicenseFactory().make_from_string(text)
    return isinstance(licence, DisjunctiveLicense) and licence.id is None
