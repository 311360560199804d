"""Persons of the DPC source by sex, as DuckDB counts them in the truth; groups under ten left out."""

import json
import sys

import duckdb

rows = duckdb.execute(
    "SELECT sex, count(*) FROM read_parquet(?) WHERE source = 'dpc' GROUP BY sex HAVING count(*) >= 10 ORDER BY sex", [sys.argv[1]]
).fetchall()
print(json.dumps({"rows": [list(row) for row in rows]}))
