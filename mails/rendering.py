"""The templates of mails, and the layout that all of the product's mails share."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_LAYOUTS = Path(__file__).with_name("layouts")


def mail_templates(folder: Path) -> Environment:
    """Those of a folder. They find `mail.html` (blocks preview, kind, headline, content, footer) and the macros of
    `mail_parts.html` beside them.
    """
    templates = Environment(
        loader=FileSystemLoader([folder, _LAYOUTS]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Names of files and columns come from outside; in plain text a line break would let them pretend to be ours.
    templates.filters["one_line"] = lambda text: " ".join(str(text).split())
    return templates
