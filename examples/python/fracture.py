"""Long-term care of people with and without a hip fracture, asked of Sudare over ADBC Flight SQL, with a figure.

    python fracture.py --demo ../../sudare-demo/demo.json --grade preview --out fracture.svg

The data are made up (合成データ). A figure of preview values carries 「閲覧用・公表不可」.
"""

import argparse
import json
from dataclasses import dataclass

import adbc_driver_flightsql.dbapi as flightsql
import matplotlib
import pyarrow
from adbc_driver_flightsql import DatabaseOptions
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names

PREVIEW_MARK = "閲覧用・公表不可 (Preview – not for publication)"
FONTS = ("Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "DejaVu Sans")  # with Japanese, and matplotlib's own
SYNTHETIC_MARK = "合成データ (made-up data)"

# One row a person first, then cells. The question mark is the age from which persons are looked at.
STUDY = """
WITH person_age AS (SELECT person_key, max(age) AS age FROM ndb.claims GROUP BY person_key),
     fracture AS (SELECT DISTINCT person_key FROM ndb.diagnoses WHERE icd10_in(icd10, 'S72') AND NOT suspected),
     care AS (SELECT DISTINCT person_key FROM ltc.claims)
SELECT CASE WHEN p.age >= 85 THEN '85+' WHEN p.age >= 75 THEN '75-84' ELSE 'below 75' END AS age_group,
       CASE WHEN f.person_key IS NOT NULL THEN 'fracture' ELSE 'no fracture' END AS exposure,
       count(*) AS persons, count(c.person_key) AS in_care
FROM person_age p
LEFT JOIN fracture f ON f.person_key = p.person_key
LEFT JOIN care c ON c.person_key = p.person_key
WHERE p.age >= ?
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass
class Answer:
    """Cells, and what the engine says of those that it withheld or took from earlier answers."""

    cells: pyarrow.Table
    veil: dict

    @property
    def is_preview(self):
        return self.veil["grade"] == "preview"


def connect(server, token, project, ca=None):
    """A connection under one project. `ca`: the operator's ca.pem, for grpc+tls:// addresses."""
    options = {
        DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {token}",
        f"{DatabaseOptions.RPC_CALL_HEADER_PREFIX.value}sudare-project": project,
    }
    if ca:
        with open(ca, encoding="utf-8") as file:
            options[DatabaseOptions.TLS_ROOT_CERTS.value] = file.read()
    return flightsql.connect(server, db_kwargs=options, autocommit=True)


def ask(connection, sql, parameters=None):
    """One statement, prepared if it has parameters."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cells = cursor.fetch_arrow_table()
    return Answer(cells, json.loads(cells.schema.metadata[b"sudare.veil"]))


def shares(answer):
    """Share in care by age group and exposure; None where a value is withheld."""
    found = {}
    for row in answer.cells.to_pylist():
        share = row["in_care"] / row["persons"] if row["persons"] and row["in_care"] is not None else None
        found[row["age_group"], row["exposure"]] = share
    return found


def notes(answer):
    """What has to stand under every figure of an answer."""
    lines = [SYNTHETIC_MARK, f"withheld cells: {answer.veil['withheld']} (a band; none and few look the same)"]
    if answer.veil["snapped"]:
        lines.append(f"values taken from earlier answers: {answer.veil['snapped']}")
    return lines


def figure(answer):
    """Bars of the shares. Preview values are marked across the figure and above it, so that no cut-out loses the mark."""
    matplotlib.rcParams["font.family"] = [font for font in FONTS if font in get_font_names()]
    matplotlib.rcParams["svg.fonttype"] = "none"  # words stay words
    found = shares(answer)
    groups = [group for group in ("below 75", "75-84", "85+") if any(key[0] == group for key in found)]
    drawing = Figure(figsize=(7, 4.6), layout="constrained")
    axes = drawing.add_subplot()
    for number, (exposure, colour) in enumerate((("no fracture", "#949494"), ("fracture", "#0017c1"))):
        for place, group in enumerate(groups):
            share = found.get((group, exposure))
            at = place + (number - 0.5) * 0.38
            label = exposure if place == 0 else None
            axes.bar(at, 100 * (share or 0), width=0.36, color=colour, label=label)
            words = "not shown" if share is None else f"{100 * share:.0f} %"
            axes.annotate(words, (at, 100 * (share or 0)), ha="center", va="bottom", fontsize=9)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_ylim(0, 110)
    axes.set_ylabel("in long-term care, % of persons")
    axes.set_xlabel("age group")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    axes.set_title(PREVIEW_MARK if answer.is_preview else "Care use by hip fracture", fontsize=12, loc="left")
    if answer.is_preview:
        middle = {"ha": "center", "va": "center", "transform": axes.transAxes, "rotation": 24}
        axes.text(0.5, 0.5, "閲覧用・公表不可", fontsize=40, color="#c74700", alpha=0.25, **middle)
    drawing.supxlabel(" · ".join(notes(answer)), fontsize=8)
    return drawing


def project_of(demo, grade):
    """The demo's project with values of that grade."""
    return next(project["id"] for project in demo["projects"] if project["grade"] == grade)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demo", default="sudare-demo/demo.json", help="demo.json of a running `sudare demo`")
    parser.add_argument("--server", help="address of the engine, if not the one in demo.json")
    parser.add_argument("--ca", help="ca.pem of the operator, for a grpc+tls:// address")
    parser.add_argument("--grade", choices=("exact", "preview"), default="preview")
    parser.add_argument("--from-age", type=int, default=65)
    parser.add_argument("--out", default="fracture.svg", help="figure, .svg or .png")
    given = parser.parse_args()
    with open(given.demo, encoding="utf-8") as file:
        demo = json.load(file)
    token = demo["accounts"]["researcher"]["token"]
    with connect(given.server or demo["engine"], token, project_of(demo, given.grade), given.ca) as connection:
        answer = ask(connection, STUDY, (given.from_age,))
    if answer.is_preview:
        print(PREVIEW_MARK)
    print(answer.cells)
    print("\n".join(notes(answer)))
    figure(answer).savefig(given.out)
    print(given.out)


if __name__ == "__main__":
    main()
