//! The guard's sentences, one constant a refusal. `docs/errors.md` lists them; disclosure.md has the reasons.

use super::Rule;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $rule:literal, $message:literal, $hint:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Rule = Rule { code: $code, rule: $rule, message: $message, hint: $hint };)*
        /// All of them, in the order of the file.
        pub(crate) const ALL: &[Rule] = &[$($name),*];
    };
}

rules! {
    /// Root is row level.
    ROOT = "guard/rows-at-root", "V-ROOT", "the query would hand out rows of single persons",
        "count or sum over groups, e.g. SELECT prefecture, count(DISTINCT person_key) FROM ndb.claims GROUP BY prefecture";
    /// Two lineages in a row.
    LINEAGES = "guard/two-persons-in-a-row", "V-LINEAGE-COUNT", "a join puts rows of different persons side by side",
        "join row-level tables on person_key (claim_id, stay_id and document_id work inside one database)";
    /// Full join.
    FULL_JOIN = "guard/full-join", "V-JOIN", "a full join of row-level tables is not supported",
        "use LEFT JOIN from the table person";
    /// Cross joins of open relations.
    CROSS_JOIN = "guard/cross-join", "V-RES", "the query multiplies relations beyond 10 million rows",
        "join on a condition, or on shorter lists";
    /// Too many joins.
    JOINS = "guard/too-many-joins", "V-RES", "the query has more than 12 joins", "split it, or join subqueries that are grouped already";
    /// Too many union branches.
    BRANCHES = "guard/too-many-branches", "V-RES", "the query has more than 64 branches of UNION", "use GROUP BY in the place of UNION";
    /// Too many nodes.
    NODES = "guard/too-large", "V-RES", "the query is larger than a query may be", "split it into several queries";
    /// Too deep.
    TOO_DEEP = "guard/too-deep", "V-RES", "the query is nested more deeply than a query may be", "flatten it, e.g. by WITH";
    /// Text too long.
    TEXT = "guard/too-long", "V-RES", "the query's text is longer than 256 KiB", "shorten it, e.g. by joining a code list";
    /// Literal too long.
    LITERAL = "guard/literal-too-long", "V-RES", "a literal or name is longer than 10,000 bytes", "shorten it, or use a code list";
    /// IN list too long.
    IN_LIST = "guard/in-list", "V-RES", "a list after IN has more than 1,000 entries", "use LIKE with a prefix, or a range";
    /// Syntax.
    SYNTAX = "guard/syntax", "V-PROTOCOL", "this is not understood as SQL", "check the spelling, commas and brackets near that place";
    /// Not planned.
    NOT_PLANNED = "guard/not-understood", "V-PROTOCOL", "the query cannot be planned as it stands",
        "check the types that are compared, the arguments of functions, and that each column is grouped or aggregated";
    /// Not supported.
    NOT_SUPPORTED = "guard/not-supported", "V-PROTOCOL", "the query uses a construct that this engine does not have",
        "write it with joins, WITH and GROUP BY";
    /// Ambiguous.
    AMBIGUOUS = "guard/ambiguous-column", "V-CATALOG", "a column name could mean columns of several tables", "write it with its table's alias; from the third table on, ON a.person_key = b.person_key in the place of USING";
    /// Duplicate names.
    DUPLICATE_NAME = "guard/duplicate-name", "V-CATALOG", "two columns would have one name", "give one of them another name with AS";
    /// No such column.
    NO_SUCH_COLUMN = "guard/no-such-column", "V-CATALOG", "there is no such column among those that the permit names",
        "the catalog and the permit list the columns";
    /// No such table.
    NO_SUCH_TABLE = "guard/no-such-table", "V-CATALOG", "there is no such table among those that the permit names",
        "the catalog and the permit list the tables";
    /// Reserved names.
    RESERVED = "guard/reserved-name", "V-HIDDEN", "names that begin with two underscores are reserved", "choose another name";
    /// Files.
    FILE = "guard/file", "V-FILE", "files and addresses cannot be read from a query", "use the tables that the permit names";
    /// Metadata.
    META = "guard/metadata", "V-META", "the engine's own tables and settings cannot be read", "the catalog describes the tables; the permit lists them";
    /// Explain.
    EXPLAIN = "guard/explain", "V-EXPLAIN", "plans and their figures are not shown", "run the query itself; a refusal says what to change";
    /// DDL.
    DDL = "guard/change", "V-DDL", "a query may read and nothing else", "write one SELECT; use WITH for steps between";
    /// A workspace table's name.
    WORK_NAME = "guard/work-name", "V-DDL", "a name in the workspace has small letters, digits and _, and at most 60 of them",
        "choose a name such as work.cohort";
    /// Options of CREATE and DROP.
    WORK_FORM = "guard/work-form", "V-DDL", "the workspace knows CREATE TABLE or VIEW work.name AS SELECT …, and DROP TABLE or VIEW work.name, without options",
        "leave the options out; DROP TABLE work.cohort makes its name free again";
    /// What is kept.
    WORK_ROWS = "guard/work-rows", "V-DDL", "the workspace keeps rows of persons: person_key stands once among the columns, under that name, and is never missing",
        "write e.g. CREATE TABLE work.cohort AS SELECT person_key, min(service_month) AS first_month FROM ndb.claims GROUP BY person_key";
    /// Columns that are kept.
    WORK_COLUMN = "guard/work-column", "V-DDL", "each column that the workspace keeps needs a name of letters, digits and _, and a number, text, date or truth value in it",
        "name it with AS, e.g. count(*) AS visits, and CAST other types";
    /// Names in use.
    WORK_EXISTS = "guard/work-exists", "V-DDL", "the workspace holds a table or view of that name already",
        "choose another name, or drop it first: DROP TABLE work.cohort, for views DROP VIEW";
    /// Quotas.
    WORK_FULL = "guard/work-full", "V-RES", "the project's workspace is full", "drop what is not needed any more: DROP TABLE work.cohort; SHOW TABLES FROM work lists it";
    /// Views on views.
    WORK_VIEWS = "guard/work-views", "V-RES", "views stand on each other more than 4 deep, or a query uses more than 16 of them", "keep the rows of one of them: CREATE TABLE work.cohort AS SELECT …";
    /// COPY.
    COPY = "guard/copy", "V-DDL", "results leave by the airlock, not by COPY", "run the SELECT and request its output at the portal";
    /// SET.
    SETTING = "guard/setting", "V-DDL", "settings cannot be changed or shown", "write the query so that it needs none";
    /// Prepared statements in SQL.
    PREPARE = "guard/prepare", "V-DDL", "PREPARE, EXECUTE and DEALLOCATE are not available in SQL", "send the SELECT itself, or prepare it through the driver";
    /// Several statements.
    STATEMENTS = "guard/several-statements", "V-DDL", "one request holds one statement", "send the statements one after another";
    /// Placeholders.
    PLACEHOLDER = "guard/placeholder", "V-PROTOCOL", "the query has parameters that no values were bound to",
        "prepare it through the driver and bind one row of values, or write the values into the query";
    /// Values that do not fit.
    PARAMETERS = "guard/parameters", "V-PROTOCOL", "the parameters do not fit: they are written $1, $2, … or ?, and take one row of numbers, texts, booleans or dates",
        "bind one value to each parameter";
    /// Samples.
    SAMPLE = "guard/sample", "V-RANDOM", "samples of rows are not available", "count all rows; the answer is as fast";
    /// Volatile functions.
    VOLATILE = "guard/volatile", "V-RANDOM", "functions that differ from call to call are not available", "write dates as literals, e.g. DATE '2023-04-01'";
    /// A list of ICD-10 codes that is none.
    ICD10_LIST = "guard/icd10-list", "V-LITERALARG", "this list of ICD-10 codes is not understood",
        "write codes, beginnings and ranges with commas between, at most 1,000: icd10_in(icd10, 'E10-E14, I21.9')";
    /// Unknown functions.
    FUNCTION = "guard/function", "V-FUNC", "there is no such function among those that are allowed", "docs/sql.md lists the functions";
    /// A function's arguments.
    FUNCTION_ARGUMENT = "guard/function-argument", "V-LITERALARG", "this argument of the function must be written as a literal", "write the number, unit or position itself";
    /// Patterns.
    PATTERN = "guard/pattern", "V-REGEX-CONST", "patterns must be literals of at most 1,000 characters that compile to a small automaton",
        "use LIKE with a literal, or a shorter pattern";
    /// Person key as a value.
    PERSON_KEY = "guard/person-key", "V-PK", "person_key can be joined, grouped and counted, and nothing else",
        "join on it, group by it in a subquery, or write count(DISTINCT person_key)";
    /// Person key against literals.
    PERSON_KEY_LITERAL = "guard/person-key-literal", "V-PK-LITERAL", "person_key can be compared with another person_key only",
        "describe the group by its properties, e.g. age, sex, icd10";
    /// Technical ids.
    TECHNICAL = "guard/technical-id", "V-TECH", "claim_id, stay_id and document_id can be joined, and nothing else",
        "describe the records by their properties, e.g. service_month, setting";
    /// Arithmetic sampling.
    ARITHMETIC = "guard/arithmetic", "V-ARITHFILTER", "remainders, bit operations and arithmetic on surrogates are not available on rows",
        "use ranges or codes as conditions";
    /// Large integers.
    INTEGER_RANGE = "guard/integer-range", "V-TOTAL", "this arithmetic could leave the range of 64-bit integers", "cast an operand to DOUBLE";
    /// Intervals.
    INTERVAL = "guard/interval", "V-TOTAL", "intervals must be literals of at most 200 years, and are added to dates, not to timestamps",
        "write INTERVAL '90 days', and CAST(x AS date) where x is a timestamp";
    /// Operators.
    OPERATOR = "guard/operator", "V-FUNC", "this operator is not available on rows", "docs/sql.md lists the operators";
    /// Subqueries.
    SUBQUERY = "guard/subquery", "V-SUBQ", "this subquery over rows has no form as a join", "join the subquery, grouped by person_key, in the FROM clause";
    /// Correlated subqueries.
    CORRELATED = "guard/correlated", "V-CORR", "a subquery may refer to the outer row by person_key only", "join the subquery, grouped by person_key, in the FROM clause";
    /// Semi joins.
    SEMI = "guard/semi-join", "V-SEMI", "IN, EXISTS and set operations between rows work on person_key only",
        "write person_key IN (SELECT person_key FROM …)";
    /// Union of rows.
    UNION_ROWS = "guard/union-rows", "V-UNION-ROWS", "a union of rows needs person_key at the same position in each branch, and no branch without persons",
        "select person_key first in each branch, or aggregate each branch before the union";
    /// Limits on rows.
    LIMIT = "guard/limit", "V-LIMIT", "rows cannot be limited, skipped or picked by rank over all persons",
        "aggregate first and limit the cells, or rank inside PARTITION BY person_key";
    /// Windows.
    WINDOW = "guard/window", "V-WINDOW-PK", "a window over rows must be partitioned by person_key", "add PARTITION BY person_key, or aggregate first";
    /// Recursion.
    RECURSION = "guard/recursion", "V-RECUR", "recursive queries are not available", "use generate_series or a code list";
    /// Generated rows.
    GENERATED = "guard/generated-rows", "V-GEN", "generated rows need literal bounds and at most 100,000 rows", "use a coarser step or a shorter span";
    /// Table functions.
    TABLE_FUNCTION = "guard/table-function", "V-FILE", "the only functions in FROM are generate_series and range", "use the tables that the permit names";
    /// Too many aggregates.
    AGGREGATES = "guard/too-many-aggregates", "V-RES", "one SELECT asks for more aggregates and conditions than are counted at once",
        "ask for them in several queries";
    /// Aggregates at the veil.
    AGGREGATE = "guard/aggregate", "V-AGG", "this aggregate would hand out a single person's value",
        "count persons in bands: SELECT floor(points/1000.0) AS band, count(DISTINCT person_key) … GROUP BY 1; per person it is allowed";
    /// Aggregates per person.
    AGGREGATE_PER_PERSON = "guard/aggregate-per-person", "V-AGG", "this aggregate is not available per person", "use count, sum, avg, min, max, first_value, last_value, bool_or or bool_and";
    /// Conditions in arguments.
    ARM = "guard/condition-in-aggregate", "V-ARM", "this function inside sum or avg picks out values like a condition that is not written as one",
        "write the condition as CASE WHEN points > 1000 THEN 1 ELSE 0 END, or group by it: SELECT floor(points/1000.0) AS band, count(*) … GROUP BY 1";
    /// Arithmetic in arguments.
    DECOMP = "guard/expression-in-aggregate", "V-DECOMP", "sum and avg take sums of products of at most two recorded numbers, with literals and CASE",
        "sum each part and divide the answers: sum(points)/sum(days); a mark made per person goes into a condition: sum(CASE WHEN mark = 1 THEN 1 ELSE 0 END)";
    /// Quantiles.
    POSITION = "guard/quantile", "V-POSITION", "quantiles take a plain number and a literal from 0.05 to 0.95 with two digits, and at most 9 of one column",
        "write median(points), or percentile_cont(0.25) WITHIN GROUP (ORDER BY points); put conditions into WHERE";
    /// Moments.
    MOMENTS = "guard/moments", "V-MOMENTS", "moments take plain numbers, without conditions and products of columns, and at most two of the same columns",
        "write stddev(points), or corr(points, days); put conditions into WHERE, and ask for further moments in another query";
    /// Grouping sets.
    GROUPING_SETS = "guard/grouping-sets", "V-GSETS", "GROUPING SETS, ROLLUP and CUBE over rows take at most three group keys, each set once, and not person_key", "leave out keys and repeated sets, or send one query for each grouping";
    /// Aggregates over institutions.
    INSTITUTIONS = "guard/institutions", "V-MININST", "over groups by institution, count(*) and the sum of one of their counts or sums are available",
        "write count(*) or sum(volume), and CASE WHEN volume >= 20 THEN 'high' ELSE 'low' END as a group key";
    /// Distinct counts of other columns.
    DISTINCT_COUNT = "guard/distinct-count", "V-CDISTINCT", "persons and the values of a plain column can be counted distinctly, expressions cannot",
        "write count(DISTINCT person_key) or count(DISTINCT facility_id), or GROUP BY the expression";
    /// Weights.
    WEIGHT = "guard/multiplied-rows", "V-LEDGER-WEIGHT", "a join or union repeats rows, so that rows no longer count alike",
        "use count(DISTINCT person_key); or group one side by person_key before the join, or by all columns of a joined list";
    /// Too many relations.
    RELATIONS = "guard/too-many-tables", "V-RES", "the query reads more tables than a query may", "split it into several queries";
}
