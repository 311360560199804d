"""Every table of the releases against the truth, row for row.

Usage: tables.py TRUTH PLAIN. Surrogates (person_key, facility_id, claim_id …) may be renamed, one name for one name: who is who is told
by rows that are unique by their content. Then each table must hold the same rows as often, with the renamed surrogates. Prints a JSON line
a table: rows on both sides, rows that only one side has, the columns in which they differ, two examples (made-up people). And a
line for each kind of surrogate: names that were told apart, and names that stand for two.
"""

import json
import sys
from pathlib import Path

import duckdb

KINDS = {
    "person_key": "person",
    "facility_id": "facility",
    "prescriber_facility_id": "facility",
    "insurer_id": "insurer",
    "claim_id": "claim",
    "stay_id": "stay",
    "document_id": "document",
}
HIDDEN = {"__facility", "link_grade"}

truth, plain = Path(sys.argv[1]), Path(sys.argv[2])
db = duckdb.connect()
db.execute("SET threads = 2")


def sources():
    """Name, the truth's rows and the release's, as SQL; a table without rows has no file in the release."""
    for file in sorted(truth.glob("*/*.parquet")):
        yield f"{file.parent.name}.{file.stem}", f"SELECT * FROM read_parquet('{file}')"
    yield "facility", f"SELECT * FROM read_parquet('{truth / 'facility.parquet'}')"
    by_source = truth / "person_by_source.parquet"
    for (source,) in db.execute(f"SELECT DISTINCT source FROM read_parquet('{by_source}') ORDER BY 1").fetchall():
        yield f"person.{source}", f"SELECT * EXCLUDE (source) FROM read_parquet('{by_source}') WHERE source = '{source}'"


class Table:
    """Both sides of a table as numbered rows: a hash over what they say, and their surrogates."""

    def __init__(self, number: int, name: str, expected: str):
        self.number, self.name = number, name
        types = {row[0]: row[1] for row in db.execute(f"DESCRIBE {expected}").fetchall()}
        self.surrogates = [column for column in types if column in KINDS]
        self.columns = [column for column in types if column not in KINDS and column not in HIDDEN]
        self.unlike = []
        files = list(plain.glob(f"{name}/*.parquet"))
        found = f"SELECT * FROM read_parquet({[str(file) for file in files]})" if files else f"{expected} LIMIT 0"
        ours = {row[0] for row in db.execute(f"DESCRIBE {found}").fetchall()} - HIDDEN
        if ours != set(types) - HIDDEN:
            self.unlike = sorted(ours ^ (set(types) - HIDDEN))
            self.columns = [column for column in self.columns if column in ours]
            self.surrogates = [column for column in self.surrogates if column in ours]
        for side, rows in (("t", expected), ("o", found)):
            said = ", ".join(f"CAST({column} AS {types[column]}) AS {column}" for column in self.columns)
            ids = ", ".join(f"CAST({column} AS UBIGINT) AS {column}" for column in self.surrogates)
            listed = ", ".join(part for part in (said, ids) if part)
            db.execute(f"CREATE TABLE {self.at(side)} AS SELECT {listed} FROM ({rows})")

    def at(self, side: str) -> str:
        return f"{side}{self.number}"

    def keyed(self, side: str, columns: list, known: set) -> str:
        """The rows with `key`, a hash over those columns and the surrogates of known kinds; a name that is not known counts as 0."""
        joins, parts = "", [f"r.{column}" for column in columns]
        for place, column in enumerate(self.surrogates):
            if KINDS[column] in known:
                joins += f" LEFT JOIN map_{KINDS[column]} m{place} ON m{place}.{side} = r.{column}"
                parts.append(f"CASE WHEN r.{column} IS NULL THEN NULL ELSE coalesce(m{place}.o, 0) END")
        return f"SELECT r.*, hash({', '.join(parts) or '0'}) AS key FROM {self.at(side)} r{joins}"

    def votes(self, kind: str, known: set) -> list:
        """Pairs of names, by rows that are alone with their content on both sides."""
        found = []
        for column in [column for column in self.surrogates if KINDS[column] == kind]:
            alone = "SELECT key, any_value({c}) AS name FROM ({rows}) GROUP BY key HAVING count(*) = 1"
            both = [alone.format(c=column, rows=self.keyed(side, self.columns, known)) for side in "to"]
            found.append(f"SELECT t.name AS t, o.name AS o FROM ({both[0]}) t JOIN ({both[1]}) o USING (key) WHERE t.name IS NOT NULL AND o.name IS NOT NULL")
        return found

    def only(self, columns: list, known: set) -> list:
        """Rows that the one side has more often, and the other."""
        count = "SELECT key, count(*) AS n FROM ({rows}) GROUP BY key"
        t, o = (count.format(rows=self.keyed(side, columns, known)) for side in "to")
        sums = "coalesce(sum(greatest(coalesce(t.n, 0) - coalesce(o.n, 0), 0)), 0), coalesce(sum(greatest(coalesce(o.n, 0) - coalesce(t.n, 0), 0)), 0)"
        return [int(n) for n in db.execute(f"SELECT {sums} FROM ({t}) t FULL JOIN ({o}) o USING (key)").fetchone()]

    def examples(self, known: set) -> list:
        shown = []
        for side, other in ("to", "ot"):
            rows = f"SELECT * FROM ({self.keyed(side, self.columns, known)}) WHERE key NOT IN (SELECT key FROM ({self.keyed(other, self.columns, known)})) ORDER BY key LIMIT 1"
            cursor = db.execute(rows)
            names = [column[0] for column in cursor.description]
            shown.append([dict(zip(names, row)) for row in cursor.fetchall()])
        return shown

    def judge(self, known: set) -> dict:
        rows = [db.execute(f"SELECT count(*) FROM {self.at(side)}").fetchone()[0] for side in "to"]
        line = {"table": self.name, "truth": rows[0], "release": rows[1], "unlike_columns": self.unlike}
        line["only_truth"], line["only_release"] = self.only(self.columns, known)
        if line["only_truth"] or line["only_release"]:
            whole = line["only_truth"] + line["only_release"]
            less = {column: sum(self.only([other for other in self.columns if other != column], known)) for column in self.columns}
            less |= {column: sum(self.only(self.columns, known - {KINDS[column]})) for column in self.surrogates}
            line["without"] = {column: count for column, count in less.items() if count < whole}
            line["said_only"] = self.only(self.columns, set())
            line["examples"] = self.examples(known)
        return line


def learn(tables: list, kind: str, known: set) -> dict:
    """Which name of the truth is which of the release: what most rows say. Names with two meanings are counted."""
    votes = " UNION ALL ".join(vote for table in tables for vote in table.votes(kind, known))
    db.execute(f"CREATE OR REPLACE TABLE vote AS SELECT t, o, count(*) AS n FROM ({votes}) GROUP BY 1, 2")
    best = "SELECT t, arg_max(o, n) AS o FROM vote GROUP BY t"
    db.execute(f"CREATE OR REPLACE TABLE map_{kind} AS SELECT any_value(t) AS t, o FROM ({best}) GROUP BY o HAVING count(*) = 1")
    known.add(kind)
    two = "SELECT count(*) FROM (SELECT {side} FROM vote GROUP BY {side} HAVING count(DISTINCT {other}) > 1)"
    split, mixed = (db.execute(two.format(side=side, other=other)).fetchone()[0] for side, other in ("to", "ot"))
    return {"kind": kind, "names": db.execute(f"SELECT count(*) FROM map_{kind}").fetchone()[0], "split": split, "mixed": mixed}


def main() -> None:
    tables = [Table(number, name, rows) for number, (name, rows) in enumerate(sources())]
    known: set = set()
    # A second time with all the others known tells those apart that content alone did not.
    for turn in range(2):
        kinds = [learn(tables, kind, known) for kind in ("person", "facility", "insurer", "claim", "stay", "document")]
    for line in [*kinds, *(table.judge(known) for table in tables)]:
        print(json.dumps(line, default=str, ensure_ascii=False))


main()
