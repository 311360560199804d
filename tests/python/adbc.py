"""One query by Python's ADBC Flight SQL driver: server, token file, project, SQL, and its parameters as a JSON list if it has
any. Prints the answer or the error as JSON."""

import json
import sys

import adbc_driver_flightsql.dbapi as flightsql
from adbc_driver_flightsql import DatabaseOptions

server, token_file, project, sql = sys.argv[1:5]
parameters = tuple(json.loads(sys.argv[5])) if len(sys.argv) > 5 else None
token = open(token_file).read().strip()
options = {
    DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {token}",
    f"{DatabaseOptions.RPC_CALL_HEADER_PREFIX.value}sudare-project": project,
}
try:
    with flightsql.connect(server, db_kwargs=options) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        table = cursor.fetch_arrow_table()
except Exception as error:  # the driver's own error classes differ by version
    print(json.dumps({"error": str(error)}))
    sys.exit(0)
veil = json.loads(table.schema.metadata[b"sudare.veil"])
rows = [list(row.values()) for row in table.to_pylist()]
print(json.dumps({"columns": table.schema.names, "rows": rows, "veil": veil}, default=str))
