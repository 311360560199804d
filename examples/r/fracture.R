# Long-term care of people with and without a hip fracture, asked of Sudare from R over ADBC Flight SQL.
#
#   pak::pak("apache/arrow-adbc/r/adbcflightsql")          # needs Go; or see ../README.md for a driver that is built already
#   install.packages(c("adbcdrivermanager", "nanoarrow", "jsonlite"))
#   Rscript fracture.R ../../sudare-demo/demo.json preview
#
# Made-up data (合成データ). Values of the preview grade, and figures of them, are 閲覧用・公表不可.

library(adbcdrivermanager)

given <- commandArgs(trailingOnly = TRUE)
demo <- jsonlite::fromJSON(if (length(given) >= 1) given[[1]] else "sudare-demo/demo.json")
grade <- if (length(given) >= 2) given[[2]] else "preview"
project <- demo$projects$id[demo$projects$grade == grade]

# A driver's file, e.g. the one in Python's package adbc-driver-flightsql, takes the place of the R package.
file <- Sys.getenv("ADBC_FLIGHTSQL_DRIVER")
driver <- if (nzchar(file)) adbc_driver(file) else adbcflightsql::adbcflightsql()

options <- list(
  driver,
  uri = demo$engine,
  adbc.flight.sql.authorization_header = paste("Bearer", demo$accounts$researcher$token),
  `adbc.flight.sql.rpc.call_header.sudare-project` = project
)
# From another machine, with the operator's ca.pem and a grpc+tls:// address:
# options$adbc.flight.sql.client_option.tls_root_certs <- paste(readLines("ca.pem"), collapse = "\n")

sql <- "
WITH person_age AS (SELECT person_key, max(age) AS age FROM ndb.claims GROUP BY person_key),
     fracture AS (SELECT DISTINCT person_key FROM ndb.diagnoses WHERE icd10_in(icd10, 'S72') AND NOT suspected),
     care AS (SELECT DISTINCT person_key FROM ltc.claims)
SELECT CASE WHEN p.age >= 85 THEN '85+' WHEN p.age >= 75 THEN '75-84' ELSE 'below 75' END AS age_group,
       CASE WHEN f.person_key IS NOT NULL THEN 'fracture' ELSE 'no fracture' END AS exposure,
       count(*) AS persons, count(c.person_key) AS in_care
FROM person_age p
LEFT JOIN fracture f ON f.person_key = p.person_key
LEFT JOIN care c ON c.person_key = p.person_key
WHERE p.age >= 65
GROUP BY 1, 2 ORDER BY 1, 2"

connection <- adbc_connection_init(do.call(adbc_database_init, options))
answer <- read_adbc(connection, sql)
veil <- jsonlite::fromJSON(answer$get_schema()$metadata[["sudare.veil"]])
cells <- as.data.frame(answer)

mark <- if (veil$grade == "preview") "閲覧用・公表不可 (Preview \u2013 not for publication)" else "Care use by hip fracture"
message(mark)
print(cells)
message("withheld cells: ", veil$withheld, " (a band; none and few look the same)")
if (veil$snapped > 0) message("values taken from earlier answers: ", veil$snapped)

share <- 100 * cells$in_care / cells$persons
png("fracture.png", width = 900, height = 560)
barplot(share, names.arg = paste(cells$age_group, cells$exposure, sep = "\n"), ylim = c(0, 100),
        ylab = "in long-term care, % of persons", main = mark, sub = "合成データ (made-up data); a gap is not shown")
invisible(dev.off())
