"""Linkage against the truth: precision and recall of pairs of records, over records that are unique by their content; recall by
subgroup of persons too (age band at the end of 2022, sex), so that a good whole does not hide a bad part.

Usage: linkage.py TRUTH PLAIN. A record of the release and one of the truth are the same if all columns but surrogates agree and
no other record looks like it. Prints {"pairs": …, "precision": …, "recall": …, "subgroups": {"65-74 2": {"pairs": …, "persons": …, "recall": …}, …}} over all four databases
together.
"""

import json
import sys
from pathlib import Path

import duckdb

SURROGATES = {"person_key", "claim_id", "stay_id", "document_id", "facility_id", "insurer_id", "prescriber_facility_id", "__facility"}
# What a record says of the person by way of the identifiers themselves, which errors may change.
SPOILT = {"sex", "age"}
TABLES = ["ndb.claims", "ndb.checkups", "ltc.claims", "ltc.certifications", "dpc.stays", "ehr.observations"]

truth, plain = Path(sys.argv[1]), Path(sys.argv[2])
db = duckdb.connect()
db.execute("CREATE TABLE matched (person BIGINT, key UBIGINT)")
for table in TABLES:
    schema, name = table.split(".")
    ours, theirs = f"read_parquet('{plain}/{table}/*.parquet')", f"read_parquet('{truth}/{schema}/{name}.parquet')"
    columns = [row[0] for row in db.execute(f"DESCRIBE SELECT * FROM {theirs}").fetchall()]
    same = [column for column in columns if column not in SURROGATES | SPOILT]
    listed = ", ".join(same)
    unique = "SELECT {listed}, any_value(person_key) AS person FROM {source} GROUP BY {listed} HAVING count(*) = 1"
    on = " AND ".join(f"a.{column} IS NOT DISTINCT FROM b.{column}" for column in same)
    left, right = unique.format(listed=listed, source=theirs), unique.format(listed=listed, source=ours)
    db.execute(f"INSERT INTO matched SELECT a.person, b.person FROM ({left}) a JOIN ({right}) b ON {on}")
cells = db.execute("SELECT person, key, count(*) FROM matched GROUP BY 1, 2").fetchall()


def pairs(sizes):
    return sum(size * (size - 1) // 2 for size in sizes)


# Truly in which subgroup: the truth's own person table, which no error has touched.
AGES = "CASE " + " ".join(
    f"WHEN age <= {last} THEN '{first}-{last}'" for first, last in [(0, 17), (18, 39), (40, 64), (65, 74), (75, 84)]
) + " ELSE '85-' END"
subgroup = dict(db.execute(f"""
    SELECT person_key, {AGES} || ' ' || sex
    FROM (SELECT person_key, sex, date_diff('year', birth_date, DATE '2022-12-31') AS age FROM read_parquet('{truth}/person.parquet'))
""").fetchall())

by_person, by_key, joined = {}, {}, {}
for person, key, size in cells:
    by_person[person] = by_person.get(person, 0) + size
    by_key[key] = by_key.get(key, 0) + size
    joined[person] = joined.get(person, 0) + pairs([size])
both = sum(joined.values())
subgroups = {}
for person, size in by_person.items():
    of = subgroups.setdefault(subgroup[person], {"persons": 0, "pairs": 0, "joined": 0})
    of["persons"] += 1
    of["pairs"] += pairs([size])
    of["joined"] += joined[person]
for of in subgroups.values():
    of["recall"] = of.pop("joined") / of["pairs"] if of["pairs"] else None
print(json.dumps({
    "records": sum(size for _, _, size in cells),
    "pairs": pairs(by_person.values()),
    "precision": both / pairs(by_key.values()),
    "recall": both / pairs(by_person.values()),
    "subgroups": dict(sorted(subgroups.items())),
}))
