"""One query by Python's ADBC Flight SQL driver: server, token file, project, SQL, its parameters as a JSON list (`null`: none) and the
CA file for TLS, if any. Prints the answer or the error as JSON."""

import json
import sys

import adbc_driver_flightsql.dbapi as flightsql
from adbc_driver_flightsql import DatabaseOptions

server, token_file, project, sql = sys.argv[1:5]
bound = json.loads(sys.argv[5]) if len(sys.argv) > 5 else None
parameters = None if bound is None else tuple(bound)
token = open(token_file).read().strip()
options = {
    DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {token}",
    f"{DatabaseOptions.RPC_CALL_HEADER_PREFIX.value}sudare-project": project,
}
if len(sys.argv) > 6:
    options[DatabaseOptions.TLS_ROOT_CERTS.value] = open(sys.argv[6]).read()
try:
    with flightsql.connect(server, db_kwargs=options) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        table = cursor.fetch_arrow_table()
except Exception as error:  # the driver's own error classes differ by version
    print(json.dumps({"error": str(error)}))
    sys.exit(0)
veil = json.loads(table.schema.metadata[b"sudare.veil"])
rows = [list(row.values()) for row in table.to_pylist()]
print(json.dumps({"columns": table.schema.names, "rows": rows, "veil": veil, "dummy": b"sudare.dummy" in table.schema.metadata}, default=str))
