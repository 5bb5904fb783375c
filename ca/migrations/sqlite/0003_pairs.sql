-- Pairs of certificates: two requests that were decided as one. The holder's own has the signing certificate; the other
-- was made with it, for the key centre's key, and has the encryption certificate. Written with both certificates.
CREATE TABLE ca_pair (
    request_id         BLOB    NOT NULL PRIMARY KEY REFERENCES ca_request (request_id),
    tenant_id          TEXT    NOT NULL,
    encryption_request BLOB    NOT NULL UNIQUE REFERENCES ca_request (request_id),
    -- What the key centre calls the key.
    centre_key         BLOB    NOT NULL UNIQUE,
    audit_seq          INTEGER,
    CHECK (request_id <> encryption_request)
) STRICT, WITHOUT ROWID;
