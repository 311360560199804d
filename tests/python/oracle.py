"""What DuckDB says on the truth, and what the rules of the profile then withhold.

Usage: oracle.py TRUTH CASES. A case has `two_valued` (its one key is a condition with two arms), `base` (rows: keys k1…, person_key, institutions f1…, arguments a1…), `aggregates`
(kind, argument and, where an outer-joined side adds institutions, their columns, in the order of the answer's columns) and prints one JSON line: rows of [keys…, values…] with None for a withheld value;
rows that the person or institution rule drops are absent. The rules are written again here, from disclosure.md, and share nothing
with the engine: V-MINP (10), V-MININST (3), V-DOM (n=2, k=0.90; p=10 %), V-ROUNDSUM (10 %).
"""

import json
import math
import sys
from collections import defaultdict
from pathlib import Path

import duckdb

MIN_PERSONS, MIN_INSTITUTIONS, DOMINANCE_N, DOMINANCE_K, P_RATIO = 10, 3, 2, 0.90, 0.10
ROUND_SUMS = 0.10

SCHEMAS = ("ndb", "ltc", "dpc", "ehr", "registry")

# Tables made from a record whose institution stands in another table of the record.
BY_RECORD = {
    "ndb": ("claim_id", "ndb.claims"),
    "dpc": ("stay_id", "dpc.stays"),
}


def connect(truth: Path) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("SET threads = 2")
    for name in SCHEMAS:
        db.execute(f"CREATE SCHEMA {name}")
        db.execute(f"CREATE SCHEMA raw_{name}")
    for file in sorted(truth.glob("*/*.parquet")):
        schema, table = file.parent.name, file.stem
        if schema in SCHEMAS:
            db.execute(f"CREATE VIEW raw_{schema}.{table} AS SELECT * FROM read_parquet('{file}')")
    for file in sorted(truth.glob("*/*.parquet")):
        schema, table = file.parent.name, file.stem
        if schema not in SCHEMAS:
            continue
        columns = [row[0] for row in db.execute(f"DESCRIBE raw_{schema}.{table}").fetchall()]
        key, parent = BY_RECORD.get(schema, (None, None))
        if "facility_id" in columns:
            text = f"SELECT *, facility_id AS place FROM raw_{schema}.{table}"
        elif key in columns:
            text = f"SELECT t.*, r.facility_id AS place FROM raw_{schema}.{table} t LEFT JOIN raw_{parent} r USING ({key})"
        else:
            text = f"SELECT * FROM raw_{schema}.{table}"
        db.execute(f"CREATE VIEW {schema}.{table} AS {text}")
    db.execute(f"CREATE VIEW person AS SELECT * FROM read_parquet('{truth / 'person.parquet'}')")
    return db


def dominated(totals: dict) -> bool:
    sizes = sorted((abs(x) for x in totals.values()), reverse=True)
    whole = sum(sizes)
    if whole == 0:
        return False
    if sum(sizes[:DOMINANCE_N]) > DOMINANCE_K * whole:
        return True
    rest = whole - sum(sizes[:2])
    return rest < P_RATIO * sizes[0]


def institutions(rows: list, fields: list) -> int | None:
    """The smallest number of distinct institutions over the institution columns; None where there is none."""
    counts = []
    for field in fields:
        found = set()
        for row in rows:
            value = row[field]
            found.update(value if isinstance(value, list) else [value])
        found.discard(None)
        counts.append(len(found))
    return min(counts) if counts else None


def passes(rows: list, fields: list) -> bool:
    if len({row["person_key"] for row in rows}) < MIN_PERSONS:
        return False
    places = institutions(rows, fields)
    return places is None or places >= MIN_INSTITUTIONS


def rounded(total: float, totals: dict) -> float:
    """A sum as it is shown: to 1, 2 or 5 times a power of ten, near a tenth of the mean of the second to fourth largest person."""
    next_largest = sorted((abs(x) for x in totals.values()), reverse=True)[1:4]
    target = ROUND_SUMS * sum(next_largest) / len(next_largest) if next_largest else 0
    if target <= 0:
        return total
    exponent = math.floor(math.log10(target))
    bases = [digit * 10.0**power for power in (exponent - 1, exponent, exponent + 1) for digit in (1, 2, 5)]
    base = min(bases, key=lambda base: (abs(base - target), -base))
    return math.copysign(math.floor(abs(total) / base + 0.5) * base, total)


def value_of(kind: str, argument: str | None, rows: list, fields: list):
    used = rows if argument is None else [row for row in rows if row[argument] is not None]
    if not passes(used, fields):
        return None
    totals = defaultdict(float)
    for row in used:
        totals[row["person_key"]] += 1 if kind in ("rows", "count") else abs(float(row[argument])) if kind in ("sum", "avg") else 0
    if kind in ("rows", "count", "sum", "avg") and dominated(totals):
        return None
    if kind in ("rows", "count"):
        return len(used)
    if kind == "persons":
        return len({row["person_key"] for row in used})
    total = rounded(float(sum(row[argument] for row in used)), totals)
    return total if kind == "sum" else total / len(used)


def answer(db: duckdb.DuckDBPyConnection, case: dict) -> list:
    cursor = db.execute(case["base"])
    names = [column[0] for column in cursor.description]
    keys = [name for name in names if name.startswith("k")]
    fields = [name for name in names if name.startswith("f")]
    groups = defaultdict(list)
    for values in cursor.fetchall():
        row = dict(zip(names, values))
        groups[tuple(row[key] for key in keys)].append(row)
    if not keys and not groups:
        groups[()] = []
    shown = []
    for key, rows in groups.items():
        if keys and not passes(rows, fields):
            continue
        values = [value_of(kind, argument, rows, fields + sides) for kind, argument, *sides in case["aggregates"]]
        shown.append([*key, *values])
    # V-ZERO: of a key with two values one is not shown alone.
    return [] if case.get("two_valued") and len(shown) == 1 else shown


def main() -> None:
    db = connect(Path(sys.argv[1]))
    for case in json.load(open(sys.argv[2])):
        print(json.dumps({"name": case["name"], "rows": answer(db, case)}, default=str))


main()
