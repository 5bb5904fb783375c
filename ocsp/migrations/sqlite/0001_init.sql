-- Tables of the OCSP responder. Times are milliseconds since 1970, UTC.
-- The status of a certificate is written here in the transaction that changes it at the authority. The authority's
-- own row is what the log answers for; this one can be made from it again at any time.

CREATE TABLE ocsp_status (
    issuer_id  TEXT    NOT NULL,
    serial     BLOB    NOT NULL,
    tenant_id  TEXT    NOT NULL,
    not_after  INTEGER NOT NULL,
    revoked_at INTEGER,
    reason     INTEGER,
    invalidity INTEGER,
    PRIMARY KEY (issuer_id, serial),
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
) STRICT, WITHOUT ROWID;

-- The responder in use for each issuer. Checked against the issuer's key each time it is read.
CREATE TABLE ocsp_responder (
    issuer_id   TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    key_id      BLOB NOT NULL,
    certificate BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Sources whose certificates from before the responder was there have been taken over.
CREATE TABLE ocsp_filled (
    source TEXT    NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
