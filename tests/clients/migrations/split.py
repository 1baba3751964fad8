"""Splits SQL into statements."""

import re

# What a semicolon does not end a statement in, and what is left out: comments.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
      | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
      | (?P<end>;)
      | (?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)


def split(text):
    r"""The statements of `text`, without comments and without the semicolon.

    >>> split("select 1; -- one; two\nselect ';', '''' /* ; */ ;;")
    ['select 1', "select ';', ''''"]
    >>> split('do $a$ begin; $$;$$ end $a$;create table ";" ()')
    ['do $a$ begin; $$;$$ end $a$', 'create table ";" ()']
    """
    statements, statement = [], []
    for token in _TOKEN.finditer(text + ";"):
        if token["end"]:
            statements.append("".join(statement).strip())
            statement = []
        elif not token["comment"]:
            statement.append(token[0])
    return [statement for statement in statements if statement]
