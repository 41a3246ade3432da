"""Small Apple Health exports made by hand, for the tests that read them."""

import zipfile
from pathlib import Path

from healthbox.domain.records import SampleBlock
from healthbox.formats.apple_export.archive import opened
from healthbox.formats.apple_export.reading import Reading
from healthbox.formats.contract import Envelope

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
WATCH = (
    'sourceName="Bob’s Apple\u00a0Watch" sourceVersion="11.2" device="&lt;&lt;HKDevice: 0x3033c2a80&gt;, name:Apple Watch, '
    'manufacturer:Apple Inc., model:Watch, hardware:Watch7,5, software:11.2&gt;"'
)
SPAN = 'creationDate="2026-03-01 08:11:00 +0100" startDate="2026-03-01 08:00:00 +0100" endDate="2026-03-01 08:10:00 +0100"'
GPX = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="Apple Health Export" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lon="13.4" lat="52.5"><ele>34.5</ele><time>2026-03-01T07:00:00Z</time>
<extensions><speed>2.5</speed><course>-1</course></extensions></trkpt>
<trkpt lon="13.5" lat="52.6"><ele>35.5</ele><time>2026-03-01T07:00:01Z</time><extensions><speed>-1</speed></extensions></trkpt>
</trkseg></trk></gpx>"""
ECG = """Name,Bob
Geburtsdatum,"5. Feb. 1980"
Aufzeichnungsdatum,2026-02-05 09:14:40 +0100
Klassifizierung,Sinusrhythmus
Symptome,
Softwareversion,1.51
Gerät,"Watch7,5"
Messrate,512 Hertz


Ableitung,Ableitung I
Einheit,µV

"""


def record(
    kind: str = "HKQuantityTypeIdentifierStepCount", value: str = "512", unit: str = "count", body: str = "", who: str = WATCH
) -> str:
    """A Record as Apple writes it, with its line break in front."""
    said = f' unit="{unit}"' if unit else ""
    end = f">\n{body}\n </Record>" if body else "/>"
    return f'\n <Record type="{kind}" {who}{said} {SPAN} value="{value}"{end}'


def entry(key: str, value: str, indent: int = 2) -> str:
    return f'{" " * indent}<MetadataEntry key="{key}" value="{value}"/>'


def document(*elements: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!-- 14 -->\n]>\n') -> str:
    return f'{head}<HealthData locale="de_DE">\n <ExportDate value="2026-03-02 10:00:00 +0100"/>' + "".join(elements) + "\n</HealthData>\n"


def bare(folder: Path, content: str | bytes) -> Path:
    path = folder / "export.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(folder: Path, files: dict[str, str | bytes], name: str = "export.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for label, content in files.items():
            archive.writestr(label, content)
    return folder / name


def read(path: Path, *, fast: bool = True) -> list:
    """Everything that an export gives, in its order."""
    with opened(path) as export:
        return list(Reading(export, ENVELOPE.zone, fast=fast).records())


def rows(records: list) -> list[tuple]:
    """(metric, unit, source, *row) of every sample in the blocks."""
    return [(block.metric, block.unit, block.source, *row) for block in records if isinstance(block, SampleBlock) for row in block.rows]


def others(records: list) -> list:
    return [found for found in records if not isinstance(found, SampleBlock)]
