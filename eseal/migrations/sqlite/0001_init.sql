-- Tables of electronic seals. Times are milliseconds since 1970, UTC. The log answers for all of them but
-- eseal_picture (its digest stands in the seal's row), eseal_stamp (tokens prove themselves) and eseal_prepared.

-- Seals, from the application on. holders: certificates, DER, one after the other. users: officers' identifiers,
-- one a line. version: how often it was made.
CREATE TABLE eseal_seal (
    id            BLOB    NOT NULL PRIMARY KEY,
    tenant_id     TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    owner         TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    since         INTEGER NOT NULL,
    reason        TEXT,
    width         REAL    NOT NULL,
    height        REAL    NOT NULL,
    picture       BLOB    NOT NULL,
    valid_from    INTEGER,
    valid_until   INTEGER NOT NULL,
    holders       BLOB    NOT NULL,
    by_digest     INTEGER NOT NULL CHECK (by_digest IN (0, 1)),
    users         TEXT    NOT NULL,
    note          TEXT,
    applicant     TEXT    NOT NULL,
    reviewer      TEXT,
    applied_at    INTEGER NOT NULL,
    applied_seq   INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    audit_seq     INTEGER
) STRICT;

CREATE INDEX eseal_seal_list ON eseal_seal (tenant_id, applied_seq);
CREATE INDEX eseal_seal_state ON eseal_seal (state, since);

-- The picture, PNG, until the seal is destroyed. The seal's row holds its SM3.
CREATE TABLE eseal_picture (
    seal_id   BLOB NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    png       BLOB NOT NULL
) STRICT;

-- What happened to a seal. one_step: by one person who passed every step.
CREATE TABLE eseal_step (
    seal_id   BLOB    NOT NULL,
    number    INTEGER NOT NULL,
    tenant_id TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    person    TEXT    NOT NULL,
    one_step  INTEGER NOT NULL CHECK (one_step IN (0, 1)),
    reason    TEXT,
    audit_seq INTEGER,
    PRIMARY KEY (seal_id, number)
) STRICT;

-- Each time a seal was made: the seal (SESeal), and the keys and certificates that sign with it where the
-- installation keeps them, with their issuers without the root, one after the other.
CREATE TABLE eseal_made (
    seal_id   BLOB    NOT NULL,
    version   INTEGER NOT NULL,
    tenant_id TEXT    NOT NULL,
    seal      BLOB    NOT NULL,
    sm2_key   BLOB,
    sm2_chain BLOB,
    ec_key    BLOB,
    ec_chain  BLOB,
    audit_seq INTEGER,
    PRIMARY KEY (seal_id, version)
) STRICT;

-- Who makes seals (maker), and who signs reports on documents (reporter): keys, and certificates with their issuers
-- without the root, one after the other.
CREATE TABLE eseal_maker (
    key_id    BLOB    NOT NULL PRIMARY KEY,
    purpose   TEXT    NOT NULL CHECK (purpose IN ('maker', 'reporter')),
    tenant_id TEXT    NOT NULL,
    chain     BLOB    NOT NULL,
    since     INTEGER NOT NULL,
    audit_seq INTEGER
) STRICT;

-- Uses of seals, each with the request it answers: the same request is answered with the same signature.
-- ordered: SM3 of everything that was asked for.
CREATE TABLE eseal_use (
    tenant_id TEXT    NOT NULL,
    request   TEXT    NOT NULL,
    ordered   BLOB    NOT NULL,
    seal_id   BLOB    NOT NULL,
    version   INTEGER NOT NULL,
    person    TEXT    NOT NULL,
    form      TEXT    NOT NULL,
    hash      TEXT    NOT NULL,
    digest    BLOB    NOT NULL,
    property  TEXT    NOT NULL,
    document  TEXT,
    signed_at INTEGER NOT NULL,
    signer    BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    audit_seq INTEGER,
    PRIMARY KEY (tenant_id, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX eseal_use_list ON eseal_use (tenant_id, audit_seq);
CREATE INDEX eseal_use_seal ON eseal_use (seal_id, audit_seq);

-- Time-stamps over signatures.
CREATE TABLE eseal_stamp (
    tenant_id TEXT NOT NULL,
    request   TEXT NOT NULL,
    token     BLOB NOT NULL,
    PRIMARY KEY (tenant_id, request)
) STRICT, WITHOUT ROWID;

-- What waits for the signature of a key held elsewhere. asked: the order, to be prepared again.
CREATE TABLE eseal_prepared (
    tenant_id TEXT    NOT NULL,
    request   TEXT    NOT NULL,
    ordered   BLOB    NOT NULL,
    seal_id   BLOB    NOT NULL,
    version   INTEGER NOT NULL,
    person    TEXT    NOT NULL,
    asked     BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX eseal_prepared_until ON eseal_prepared (until);
