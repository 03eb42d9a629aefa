r"""Reading a definition: strings as JSON writes them, and nothing left over from the definition before.

Replaces `Preprocessor.__init__` (the query languages of nested scopes stand in a list of the class: after one invalid
definition all later ones are misread), `Preprocessor._inner_string_of` (leaves escapes in names and literals) and the
preprocessor's `from_string_literal` (reads them as Python's: surrogate pairs break, `\/` stays).
"""

import json
from typing import Any

from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlt4utils.antlr4utils import is_terminal


def preprocessor_init(self: Any) -> None:
    """For `Preprocessor.__init__`."""
    self._query_language_per_scope = []


def inner_string(parser_rule_context: Any) -> str | None:
    """For `Preprocessor._inner_string_of`: None for a JSON null."""
    return None if is_terminal(parser_rule_context, ASLLexer.NULL) else string_literal(parser_rule_context)


def string_literal(parser_rule_context: Any) -> str:
    """For `from_string_literal`."""
    text: str = parser_rule_context.getText()
    if text.startswith('"') and text.endswith('"'):
        return str(json.loads(text, strict=False))
    return text
