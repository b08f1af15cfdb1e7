"""Of a whole notebook, the statements that one exercise needs: its own cell, and the definitions that its names lead to.

So a widget, a training or a broken cell elsewhere is never run, and the order of the cells does not matter.
"""

import ast
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BINDS = (*_DEFINITIONS, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True)
class Piece:
    """One statement of a cell."""

    cell: int
    statement: ast.stmt


def parsed(source: str) -> ast.Module:
    """The cell without its magics, `%timeit` and the like. Raises SyntaxError."""
    tree = ast.parse(TransformerManager().transform_cell(source))
    tree.body = [statement for statement in tree.body if not _is_magic(statement)]
    return tree


def pieces(sources: Sequence[str], at: int) -> list[Piece]:
    """The cell at index `at` whole, after what it needs of the others, in the notebook's order.

    A name that several cells define is the last one's, as after running them all. Raises SyntaxError when the cell itself is not Python.
    """
    own = [Piece(at, statement) for statement in parsed(sources[at]).body]
    met = {name for piece in own if isinstance(piece.statement, _BINDS) for name in _bound(piece.statement)}
    wanted = [name for piece in own for name in _used(piece.statement) - met]
    providers = _providers(sources, at) if wanted else {}
    taken: dict[int, Piece] = {}
    while wanted:
        name = wanted.pop()
        if name in providers and name not in met:
            piece = providers[name]
            taken[id(piece.statement)] = piece
            wanted += _used(piece.statement)
        met.add(name)
    before = sorted(taken.values(), key=lambda piece: (piece.cell, piece.statement.lineno))
    return [*before, *own]


def _providers(sources: Sequence[str], at: int) -> dict[str, Piece]:
    """name -> the last statement that makes it."""
    found = {}
    for number, source in enumerate(sources):
        if number == at:
            continue
        try:
            body = parsed(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for statement in body:
            if isinstance(statement, _BINDS):
                found |= {name: Piece(number, statement) for name in _bound(statement)}
    return found


def _is_magic(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "get_ipython" for node in ast.walk(statement))


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, _DEFINITIONS):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in statement.names)
    else:
        yield from (node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _used(statement: ast.stmt) -> set[str]:
    """The names that it takes from outside of itself: those local to a function or a comprehension are not."""
    module = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    used = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_referenced()}
    inner = module.get_children()
    while inner:
        table = inner.pop()
        used |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
        inner += table.get_children()
    return used
