"""Join a module and the project modules it imports into one source file that needs neither.

diffusers loads a Hub folder's code file by file; of several that import each other it finds some, from the Hub fewer
than from a disk. So a Hub file holds everything: first all imports, then the text of each module after those that it
needs. Comments stay, names stay; two modules that use one name for two things are an error, never a guess.
"""

import ast
import hashlib
import importlib.util
import io
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

PROJECT = "pipelines"
_BASE = "pipelines.pretrained"  # not joined: its one class becomes the class it stands on
_BASE_CLASS, _BASE_REPLACEMENT = "PretrainedPipeline", "DiffusionPipeline"
_BASE_IMPORT = ("diffusers", "DiffusionPipeline", "DiffusionPipeline")
_MARK = "# One file that stands alone, written by the exporter of the Danqing project from its modules.\n"

Imported = tuple[str, str | None, str]  # module, attribute or None for the module itself, the name it is bound to


@dataclass(frozen=True)
class Module:
    """One project module, taken apart."""

    name: str
    docstring: str
    imports: tuple[Imported, ...]  # from outside the project
    needs: tuple[str, ...]  # project modules
    defines: frozenset[str]  # names bound at the top level, imports not counted
    body: str  # the text without docstring and imports


def standalone_source(module: str) -> str:
    """The text of `module` and all that it needs from the project, as one file.

    A module that was joined before, because it was loaded from a Hub folder, is returned as it is.

    Raises:
        ValueError: if it cannot be joined: relative imports, project imports inside functions or under other names,
            modules that import each other, or one name for two things.
        OSError: if there is no source to read.
    """
    text = _source(module)
    if text.startswith(_MARK):
        return text
    modules = _in_order(module)
    _check_names(modules)
    imports = {imported for part in modules for imported in part.imports}
    end = '\n"""' if "\n" in modules[-1].docstring else '"""'
    head = f'{_MARK}"""{modules[-1].docstring}{end}' if modules[-1].docstring else _MARK.rstrip()
    return "\n\n".join([head, _import_lines(imports), *map(_section, modules[:-1]), f"\n{modules[-1].body}"]) + "\n"


def hashed_name(module: str, source: str) -> str:
    """File name, without ".py", of `source`: the module's own and 8 hex digits of the content.

    diffusers puts the code of all local folders into one package and runs a file of a name it knows again inside the
    module that is already there: with equal names, a pipeline loaded first would go on with the second one's code.
    """
    stem = module.rsplit(".", 1)[-1]
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    return stem if stem.endswith(f"_{digest}") else f"{stem}_{digest}"


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin:
        raise OSError(f"The source of {module} cannot be found.")
    return Path(spec.origin).read_text(encoding="utf-8")


def _in_order(module: str) -> list[Module]:
    """`module` and all that it needs, each after what it needs itself."""
    done: dict[str, Module] = {}
    open_modules: list[str] = []

    def visit(name: str) -> None:
        if name in open_modules:
            raise ValueError(f"{' imports '.join([*open_modules, name])}: such a circle cannot become one file.")
        if name in done:
            return
        open_modules.append(name)
        part = _take_apart(name)
        for needed in part.needs:
            visit(needed)
        open_modules.pop()
        done[name] = part

    visit(module)
    return list(done.values())


def _take_apart(name: str) -> Module:
    text = _source(name)
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree, clean=False) or ""
    removed: list[ast.stmt] = tree.body[:1] if docstring else []
    imports: list[Imported] = []
    needs: list[str] = []
    renamed = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        found = _imported(name, node)
        ours = [one for one in found if one[0].split(".")[0] == PROJECT]
        if node not in tree.body:
            if ours:
                raise ValueError(f"{name}:{node.lineno}: project imports stand at the top of a module.")
            continue
        removed.append(node)
        if not ours:
            imports += found
        for source, attribute, bound in ours:
            if attribute is None or attribute != bound:
                raise ValueError(f"{name}:{node.lineno}: project imports read `from {source} import name`.")
            if source == _BASE and attribute == _BASE_CLASS:
                imports.append(_BASE_IMPORT)
                renamed = True
            else:
                needs.append(source)
    body = _without(text, removed)
    if renamed:
        body = _rename(body, _BASE_CLASS, _BASE_REPLACEMENT)
    return Module(name, docstring.rstrip(), tuple(imports), tuple(needs), frozenset(_defined(tree)), body)


def _imported(name: str, node: ast.Import | ast.ImportFrom) -> list[Imported]:
    if isinstance(node, ast.Import):
        return [(alias.name, None, alias.asname or alias.name) for alias in node.names]
    if node.level:
        raise ValueError(f"{name}:{node.lineno}: a relative import does not reach the Hub.")
    if node.module == "__future__" or any(alias.name == "*" for alias in node.names):
        raise ValueError(f"{name}:{node.lineno}: {ast.unparse(node)} would hold for all modules of the file.")
    return [(str(node.module), alias.name, alias.asname or alias.name) for alias in node.names]


def _without(text: str, nodes: list[ast.stmt]) -> str:
    dropped = {line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return "\n".join(line for number, line in enumerate(text.splitlines(), 1) if number not in dropped).strip("\n")


def _rename(text: str, old: str, new: str) -> str:
    """Rename a name in code, not in strings and comments."""
    lines = text.splitlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string == old:
            row, start = token.start[0] - 1, token.start[1]
            lines[row] = lines[row][:start] + new + lines[row][start + len(old) :]
    return "\n".join(lines)


def _defined(tree: ast.Module) -> set[str]:
    """Names that running the module binds at its top level, those of imports left out."""
    names: set[str] = set()
    nodes: list[ast.AST] = list(tree.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            nodes.extend(ast.iter_child_nodes(node))
    return names


def _check_names(modules: list[Module]) -> None:
    meanings: dict[str, tuple[object, str]] = {}
    for part in modules:
        bound = [(name, part.name) for name in part.defines] + [_binding(imported) for imported in part.imports]
        for name, meaning in bound:
            earlier, where = meanings.setdefault(name, (meaning, part.name))
            if earlier != meaning:
                raise ValueError(f"{name} means one thing in {where} and another in {part.name}: rename one.")


def _binding(imported: Imported) -> tuple[str, object]:
    """The name that an import binds, and what to: `import a.b` binds `a`, whatever b is."""
    source, attribute, bound = imported
    if attribute is None and bound == source:
        return source.split(".")[0], (source.split(".")[0], None)
    return bound, (source, attribute)


def _import_lines(imports: set[Imported]) -> str:
    """Standard library first, then the rest; one line a module."""
    plain: list[str] = []
    named: dict[str, list[str]] = {}
    for source, name, bound in imports:
        if name is None:
            plain.append(f"import {source}" + ("" if bound == source else f" as {bound}"))
        else:
            named.setdefault(source, []).append(name if bound == name else f"{name} as {bound}")
    lines = sorted(plain) + [f"from {source} import {', '.join(sorted(named[source]))}" for source in sorted(named)]
    standard = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
    return "\n\n".join("\n".join(group) for group in (standard, [x for x in lines if x not in standard]) if group)


def _section(part: Module) -> str:
    heading = [f"--- {part.name} ---", *part.docstring.splitlines()]
    return "\n".join(["", *(f"# {line}".rstrip() for line in heading), f"\n{part.body}"])
