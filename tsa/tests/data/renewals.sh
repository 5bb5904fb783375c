#!/bin/sh
# Makes the samples of evidence records: run by make.sh with OpenSSL 3, in its folder of keys, before they are
# thrown away. Digests are computed with sha256sum and printf alone, so that our own code has no part in them.
set -eu
out=$1
bin() { printf '%s' "$1" | xxd -r -p; }
sha() { sha256sum | cut -d' ' -f1; }
stamp() { # hex digest, hash, output: a token
    openssl ts -query -digest "$1" "-$2" -cert -no_nonce -out r.tsq
    openssl ts -reply -config ca.cnf -section t -queryfile r.tsq -signer ec.pem -inkey ec.key -token_out -out "$3"
}
h1=$(sha < data.txt)
h2=$(printf 'another file\n' | sha)
root=$(printf '%s\n%s\n' "$h1" "$h2" | sort | tr -d '\n' | xxd -r -p | sha)
stamp "$root" sha256 "$out/tree.token"
stamp "$(sha < "$out/tree.token")" sha256 "$out/renewal.token"
# The record of data.txt so far, and what its hash-tree renewal with SHA-512 must stamp.
joined=$(python3 - "$out" "$h1" "$h2" <<'P'
import hashlib, sys
out, h1, h2 = sys.argv[1], bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + size + body
token = lambda name: open(f"{out}/{name}.token", "rb").read()
pair = tlv(0x30, *(tlv(4, h) for h in sorted([h1, h2])))
chain = tlv(0x30, tlv(0x30, tlv(0xA2, pair), token("tree")), tlv(0x30, token("renewal")))
sha256 = tlv(0x30, bytes.fromhex("0609608648016503040201"))
open(f"{out}/data.txt.er", "wb").write(tlv(0x30, tlv(2, b"\1"), tlv(0x30, sha256), tlv(0x30, chain)))
data = hashlib.sha512(open("data.txt", "rb").read()).digest()
print(hashlib.sha512(data + hashlib.sha512(tlv(0x30, chain)).digest()).hexdigest())
P
)
stamp "$joined" sha512 "$out/sha512.token"
