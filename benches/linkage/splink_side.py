"""Splink 5 on the plain CSV files: `splink_side.py febrl4|historical|historical_50k FOLDER`. Prints lines of the bench's table.

Settings after Splink's own demos of the two sets: febrl4 ("Linking the febrl4 datasets", the detailed model) and historical_50k
("Linking a dataset of real historical persons", for the made-up set of its shape too). What differs: u is estimated from 1e6 pairs
with a seed, so that a run can be repeated.

`splink_side.py write PARQUET FOLDER` writes `historical_50k` as records.csv.
"""

import logging
import pathlib
import re
import sys
import time
import unicodedata

import duckdb
import pandas as pd
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on

logging.getLogger("splink").setLevel(logging.ERROR)


def read(path):
    table = pd.read_csv(path, dtype=str, skipinitialspace=True, keep_default_na=False)
    table.columns = [name.strip() for name in table.columns]
    table = table.apply(lambda column: column.str.strip()).replace("", None)
    return table


def febrl4(folder):
    tables = [read(folder / f"{name}.csv") for name in "ab"]
    for table in tables:
        # The bench fills postcodes up for its own normaliser; Splink gets them as they were.
        table["postcode"] = table["postcode"].str.slice(0, 4)
        table["person"] = table["rec_id"].str.split("-").str[1]
    rules = [
        block_on("given_name", "surname"),
        "l.given_name = r.surname and l.surname = r.given_name",
        block_on("date_of_birth"),
        block_on("soc_sec_id"),
        block_on("state", "address_1"),
        block_on("street_number", "address_1"),
        block_on("postcode"),
    ]
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="link_only",
        probability_two_random_records_match=1 / 5000,
        blocking_rules_to_generate_predictions=rules,
        comparisons=[
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [2]).configure(term_frequency_adjustments=True),
        ],
        additional_columns_to_retain=["person"],
    )
    sessions = [block_on("date_of_birth"), block_on("postcode")]
    return tables, settings, sessions, "rec_id"


def historical(folder):
    table = read(folder / "records.csv")
    table["person"] = table["truth"].str.split("-").str[1]
    table["both_names"] = table["first_name"].str.cat(table["surname"], sep=" ")
    rules = [
        block_on("substr(first_name,1,3)", "substr(surname,1,4)"),
        block_on("surname", "dob"),
        block_on("first_name", "dob"),
        block_on("postcode", "first_name"),
        block_on("postcode", "surname"),
        block_on("dob", "birth_place"),
        block_on("substr(postcode,1,3)", "dob"),
        block_on("substr(postcode,1,3)", "first_name"),
        block_on("substr(postcode,1,3)", "surname"),
        block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    ]
    settings = SettingsCreator(
        unique_id_column_name="truth",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=[
            cl.ForenameSurnameComparison("first_name", "surname", forename_surname_concat_col_name="both_names"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        additional_columns_to_retain=["person"],
    )
    sessions = [block_on("first_name", "surname"), block_on("dob")]
    return [table], settings, sessions, "truth"


def write(source, folder):
    """The set with what a Japanese register can state beside it: names without accents, births 300 years later, sex as 1 or 2, and of
    each postcode seven digits, of which the first three are its district's (in the order of their frequency, modulo 1,000)."""
    table = duckdb.sql(f"SELECT * FROM read_parquet('{source}')").df()
    table = table.where(table.notna(), "")
    code = table["postcode_fake"].str.extract(r"^([a-z]{1,2}[0-9][0-9a-z]?) ([0-9])([a-z])([a-z])$")
    ranks = {name: rank for rank, name in enumerate(code[0].value_counts().sort_index().sort_values(ascending=False, kind="stable").index)}
    unit = "abdefghjlnpqrstuwxyz"

    def digits(parts):
        outward, sector, one, other = parts
        if not isinstance(outward, str) or one not in unit or other not in unit:
            return ""
        return f"{ranks[outward] % 1000:03}{sector}{unit.index(one) * 20 + unit.index(other):03}"

    def plain(text):
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

    def later(date):
        return f"{int(date[:4]) + 300:04}{date[5:7]}{date[8:10]}" if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date) else ""

    names = {"given": "first_name", "family": "surname"}
    written = pd.DataFrame(
        {
            "truth": "r-" + table["unique_id"],
            **{column: table[column] for column in ["first_name", "surname", "dob", "birth_place", "occupation"]},
            "postcode": table["postcode_fake"],
            **{name: [re.sub("[^A-Za-z-]", "", plain(text)) for text in table[column]] for name, column in names.items()},
            "sex": table["gender"].map({"male": "1", "female": "2"}).fillna(""),
            "home": [digits(parts) for parts in code.itertuples(index=False)],
            "birth": [later(date) for date in table["dob"]],
        }
    )
    written.to_csv(pathlib.Path(folder) / "records.csv", index=False)


def show(name, found, right, both, seconds):
    precision, recall = both / max(found, 1), both / right
    print(f"{name:<34} {precision:9.4f} {recall:9.4f} {2 * precision * recall / (precision + recall):9.4f} {seconds:9.1f}")


def pairs(sizes):
    return float((sizes * (sizes - 1) / 2).sum())


def main():
    if sys.argv[1] == "write":
        write(*sys.argv[2:])
        return
    _, name, folder = sys.argv
    tables, settings, sessions, unique = {"febrl4": febrl4}.get(name, historical)(pathlib.Path(folder))
    began = time.perf_counter()
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    linker = make(tables, settings, connection)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    if len(tables) == 1:
        rules = [
            "l.first_name = r.first_name and l.surname = r.surname and l.dob = r.dob",
            "substr(l.first_name,1,2) = substr(r.first_name,1,2) and l.surname = r.surname"
            " and substr(l.postcode,1,2) = substr(r.postcode,1,2)",
            "l.dob = r.dob and l.postcode = r.postcode",
        ]
        linker.training.estimate_probability_two_random_records_match(rules, recall=0.6)
    for session in sessions:
        linker.training.estimate_parameters_using_expectation_maximisation(session)
    scored = linker.inference.predict(threshold_match_probability=0.01)
    seconds = time.perf_counter() - began
    everyone = pd.concat(tables)
    right = pairs(everyone.groupby("person").size())
    table = scored.as_pandas_dataframe()
    for threshold in [0.9, 0.99]:
        above = table[table["match_probability"] >= threshold]
        show(f"Splink, pairs at {threshold}", len(above), right, (above["person_l"] == above["person_r"]).sum(), seconds)
    for threshold in [0.95, 0.99, 0.999]:
        clustered = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold)
        clusters = clustered.as_pandas_dataframe()
        found = pairs(clusters.groupby("cluster_id").size())
        both = pairs(clusters.groupby(["cluster_id", "person"]).size())
        show(f"Splink, clusters at {threshold}", found, right, both, time.perf_counter() - began)


def make(tables, settings, connection):
    from splink.backends.duckdb import DuckDBAPI

    api = DuckDBAPI(connection=connection)
    frames = [api.register(table) for table in tables]
    return Linker(frames if len(frames) > 1 else frames[0], settings)


main()
