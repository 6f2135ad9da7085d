// libpq, the C library of PostgreSQL (https://www.postgresql.org/docs/15/libpq.html).
#include <libpq-fe.h>

// Macros whose value is a character are not imported into Swift.
static const int witan_diagnostic_sqlstate = PG_DIAG_SQLSTATE;
static const int witan_diagnostic_constraint = PG_DIAG_CONSTRAINT_NAME;
