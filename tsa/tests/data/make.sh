#!/bin/sh
# Makes the samples of this folder with OpenSSL 3: an authority that is not ours, its time-stamps and CRLs.
# The keys are thrown away. Run it in this folder; the tests hold for whatever day it is run on.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
out=$PWD
cd "$tmp"
cat > ca.cnf <<'C'
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
authorityKeyIdentifier = keyid
[lax]
keyUsage = critical,digitalSignature
extendedKeyUsage = timeStamping,codeSigning
[ca]
default_ca = one
[one]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 30
[tsa_conf]
default_tsa = t
[t]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha384,sha512
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
C
sed 's/ess_cert_id_alg = sha256/ess_cert_id_alg = sha1/' ca.cnf > v1.cnf
printf 1000 > serial; printf 01 > number; : > index.txt
openssl ecparam -name prime256v1 -genkey -noout -out root.key
openssl req -x509 -new -key root.key -subj "/CN=Another root" -days 7300 -config ca.cnf -extensions root -out root.pem
leaf() { # name, key options, extensions
    openssl genpkey $2 -out "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=Another $1" -config ca.cnf -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA root.pem -CAkey root.key -days 3650 -extfile ca.cnf -extensions "$3" \
        -set_serial "$4" -out "$1.pem"
}
leaf ec "-algorithm EC -pkeyopt ec_paramgen_curve:P-256" tsa 0x11
leaf rsa "-algorithm RSA -pkeyopt rsa_keygen_bits:2048" tsa 0x12
leaf lax "-algorithm EC -pkeyopt ec_paramgen_curve:P-256" lax 0x13
printf 'the quick brown fox\n' > data.txt
openssl ts -query -data data.txt -sha256 -cert -out q.tsq
openssl ts -query -data data.txt -sha512 -out bare.tsq
openssl ts -reply -config ca.cnf -section t -queryfile q.tsq -signer ec.pem -inkey ec.key -out ec.tsr
openssl ts -reply -config ca.cnf -section t -queryfile q.tsq -signer ec.pem -inkey ec.key -token_out -out ec.token
openssl ts -reply -config ca.cnf -section t -queryfile bare.tsq -signer ec.pem -inkey ec.key -out bare.tsr
openssl ts -reply -config v1.cnf -section t -queryfile q.tsq -signer rsa.pem -inkey rsa.key -out rsa-v1.tsr
sh "$out/renewals.sh" "$out"
printf 'garbage' > bad.tsq
openssl ts -reply -config ca.cnf -section t -queryfile bad.tsq -signer ec.pem -inkey ec.key -out refused.tsr || true
# OpenSSL will not sign with a certificate that is not for time-stamping alone; the CMS is made by hand.
sleep 2
crl() {
    openssl ca -gencrl -config ca.cnf -cert root.pem -keyfile root.key -out crl.pem
    openssl crl -in crl.pem -outform DER -out "$1"
}
crl none.crl
openssl ca -revoke ec.pem -config ca.cnf -cert root.pem -keyfile root.key -crl_reason superseded
crl superseded.crl
: > index.txt
openssl ca -revoke ec.pem -config ca.cnf -cert root.pem -keyfile root.key -crl_reason keyCompromise
crl compromised.crl
for name in root ec rsa lax; do openssl x509 -in $name.pem -outform DER -out "$out/$name.cer"; done
cp data.txt ec.tsr ec.token bare.tsr rsa-v1.tsr refused.tsr none.crl superseded.crl compromised.crl "$out"
