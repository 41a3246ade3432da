"""XML read while it flows by, in bounded memory: no tree, no entities, no endless tags."""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, NoReturn, TypeVar
from xml.parsers import expat

from healthbox.domain.errors import Invalid
from healthbox.formats.wire import Unreadable

Item = TypeVar("Item")
TEXT = 500
_DEPTH = 20
_TAG = 64 << 10


class XmlReader(Generic[Item]):
    """``opened`` and ``closed`` get the names without prefixes; ``text`` is that of the elements named in ``words``, cut short.

    ``path``: the names of the elements around, the innermost last. ``items``: what was found and nobody took yet, of which the
    last one still grows while ``growing``."""

    words: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.growing = False
        self.path: list[str] = []
        self._text: list[str] | None = None
        self._fed = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None: ...

    def closed(self, name: str, text: str) -> None: ...

    def read(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        """Every item once it is whole. Raises ``Unreadable`` where the file is not well-formed, after all that stands before
        that, the last item cut short; ``Invalid`` for a trap."""
        try:
            for _ in self._steps(chunks):
                while len(self.items) > self.growing:
                    yield self.items.pop(0)
        except Unreadable:
            yield from self.items
            raise

    def _steps(self, chunks: Iterable[bytes]) -> Iterator[None]:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._hear
        parser.EntityDeclHandler = _entity
        try:
            for chunk in chunks:
                parser.Parse(chunk, False)
                if len(chunk) > _TAG and parser.CurrentByteIndex < self._fed:  # a whole chunk in which no tag ended
                    raise _trap("an endless tag")
                self._fed += len(chunk)
                yield
            parser.Parse(b"", True)
            yield
        except (expat.ExpatError, LookupError, ValueError):  # not well-formed, or in an encoding that nobody knows
            raise Unreadable("broken_xml", "the file breaks off or is not well-formed; what stands before that is read") from None
        finally:
            parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = parser.EntityDeclHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= _DEPTH:
            raise _trap("elements that lie too deep")
        name = name.rpartition(":")[2]
        self.path.append(name)
        self._text = [] if name in self.words else None
        self.opened(name, attributes)

    def _end(self, name: str) -> None:
        name = self.path.pop()
        text = "".join(self._text)[:TEXT].strip() if self._text else ""
        self._text = None
        self.closed(name, text)

    def _hear(self, text: str) -> None:
        if self._text is not None and len(self._text) < TEXT:
            self._text.append(text[:TEXT])


def root(head: bytes) -> str:
    """The name of the outermost element of a file that begins so, without its prefix; nothing where none begins."""
    text = head.decode("utf-16", "ignore") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head.decode("latin-1").removeprefix("ï»¿")
    while (text := text.lstrip()).startswith(("<?", "<!")):
        end = "?>" if text.startswith("<?") else "-->" if text.startswith("<!--") else "]>" if "[" in text.partition(">")[0] else ">"
        text = text.partition(end)[2]
    if not text.startswith("<"):
        return ""
    name = text[1:].split(">")[0].split("/")[0].split()
    return name[0].rpartition(":")[2] if name else ""


def _entity(*declared: Any) -> NoReturn:
    raise _trap("declared entities")


def _trap(what: str) -> Invalid:
    return Invalid(f"The file holds {what}, which no recording does.", hint="Export the workout again.", code="unsafe_xml")
