-- Tables of the time-stamping authority. The tokens themselves are the payloads of their log entries; their
-- serials stand there as objects. What is here is for finding them.

-- Units: a key, its certificate, and the time in which it signs. Times are milliseconds since 1970, UTC.
-- chain: the issuers' certificates without the root, DER, one after the other.
CREATE TABLE tsa_unit (
    key_id      BLOB    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    NOT NULL,
    certificate BLOB    NOT NULL,
    chain       BLOB    NOT NULL,
    signs_from  INTEGER NOT NULL,
    signs_until INTEGER NOT NULL,
    audit_seq   INTEGER
) STRICT;

-- One row for each token, written with its log entry. gen_time: microseconds since 1970, UTC.
-- imprint: the first eight octets of the digest that was stamped. Both only ever grow at their end.
CREATE TABLE tsa_token (
    seq       INTEGER NOT NULL PRIMARY KEY,
    tenant_id TEXT    NOT NULL,
    gen_time  INTEGER NOT NULL,
    imprint   INTEGER NOT NULL
) STRICT;

CREATE INDEX tsa_token_time ON tsa_token (gen_time);

-- By imprint. Digests are random, so each would touch a page of its own: this index is written later, many
-- at once and in order. Tokens up to the entry done are in it.
CREATE TABLE tsa_imprint (
    imprint INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (imprint, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE tsa_imprint_done (
    id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 0),
    seq INTEGER NOT NULL
) STRICT;

INSERT INTO tsa_imprint_done (id, seq) VALUES (0, -1);

-- The random parts of serial numbers used so far, one for each start.
CREATE TABLE tsa_start (
    prefix     BLOB    NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL
) STRICT;

-- Evidence (RFC 4998): time-stamps over archived tokens. The tokens of the entries first_seq to last_seq are one
-- batch; generation 0 stamps the tree of their digests, each later one renews it, with a new tree or without.
-- stamp_seq: the log entry of that time-stamp. ends_at: when the certificate that signed it ends.
CREATE TABLE tsa_evidence (
    first_seq  INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    hash       TEXT    NOT NULL,
    tree       INTEGER NOT NULL CHECK (tree IN (0, 1)),
    stamp_seq  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    PRIMARY KEY (first_seq, generation),
    CHECK (first_seq <= last_seq AND last_seq < stamp_seq)
) STRICT, WITHOUT ROWID;
