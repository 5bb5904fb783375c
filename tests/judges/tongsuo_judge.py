"""Tongsuo as a judge of SM2: what its library does with keys, envelopes and TLCP pairs that we make.

The library comes inside tongsuopy; what its Python face does not reach is called through ctypes. Prints `key: value`
lines and ends with `ok`, or says what was refused and ends with status 1.
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_void_p, create_string_buffer

from tongsuopy.backends import _tongsuo
from tongsuopy.crypto.ciphers import Cipher, algorithms, modes

LIB = ctypes.CDLL(_tongsuo.__file__)


def function(name, result, *arguments):
    it = getattr(LIB, name)
    it.restype, it.argtypes = result, arguments
    return it


bio_of = function("BIO_new_mem_buf", c_void_p, c_char_p, c_int)
bio_new = function("BIO_new", c_void_p, c_void_p)
bio_mem = function("BIO_s_mem", c_void_p)
read_key = function("d2i_PrivateKey_bio", c_void_p, c_void_p, c_void_p)
read_key_pem = function("PEM_read_bio_PrivateKey", c_void_p, c_void_p, c_void_p, c_void_p, c_char_p)
read_cert = function("PEM_read_bio_X509", c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)
cert_key = function("X509_get_pubkey", c_void_p, c_void_p)
belongs = function("X509_check_private_key", c_int, c_void_p, c_void_p)
alias = function("EVP_PKEY_set_alias_type", c_int, c_void_p, c_int)
context = function("EVP_PKEY_CTX_new", c_void_p, c_void_p, c_void_p)
decrypt_init = function("EVP_PKEY_decrypt_init", c_int, c_void_p)
decrypt = function("EVP_PKEY_decrypt", c_int, c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)
encrypt_init = function("EVP_PKEY_encrypt_init", c_int, c_void_p)
encrypt = function("EVP_PKEY_encrypt", c_int, c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)
error = function("ERR_get_error", ctypes.c_ulong)
error_text = function("ERR_error_string", c_char_p, ctypes.c_ulong, c_void_p)
SM2 = 1172


def fail(what):
    code = error()
    said = error_text(code, None).decode() if code else ""
    sys.exit(f"refused: {what} {said}".strip())


def need(it, what):
    if not it:
        fail(what)
    return it


def content(path):
    with open(path, "rb") as file:
        return file.read()


def bio(data):
    # The buffer must outlive its BIO.
    bio.kept.append(data)
    return bio_of(data, len(data))


bio.kept = []


def key(path, passphrase=None):
    data = content(path)
    if b"-----BEGIN" in data:
        it = read_key_pem(bio(data), None, None, passphrase)
    else:
        it = read_key(bio(data), None)
    return need(it, f"the key of {path}")


def cert(path):
    return need(read_cert(bio(content(path)), None, None, None), f"the certificate of {path}")


def certs(path):
    source, all_of_them = bio(content(path)), []
    while it := read_cert(source, None, None, None):
        all_of_them.append(it)
    return all_of_them


def sm2_context(pkey):
    # Tongsuo, as OpenSSL 1.1.1, takes a key on the curve for ECDSA until it is told otherwise.
    alias(pkey, SM2)
    return need(context(pkey, None), "an SM2 key")


def sm2_decrypt(pkey, ciphertext):
    ctx, length = sm2_context(pkey), c_size_t()
    if decrypt_init(ctx) <= 0 or decrypt(ctx, None, byref(length), ciphertext, len(ciphertext)) <= 0:
        fail("the ciphertext")
    out = create_string_buffer(length.value)
    if decrypt(ctx, out, byref(length), ciphertext, len(ciphertext)) <= 0:
        fail("the ciphertext")
    return out.raw[: length.value]


def sm2_encrypt(pkey, text):
    ctx, length = sm2_context(pkey), c_size_t()
    if encrypt_init(ctx) <= 0 or encrypt(ctx, None, byref(length), text, len(text)) <= 0:
        fail("the public key")
    out = create_string_buffer(length.value)
    if encrypt(ctx, out, byref(length), text, len(text)) <= 0:
        fail("the public key")
    return out.raw[: length.value]


def element(data):
    """Tag, content and what follows of the first DER element."""
    length, at = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if len(data) < at + length:
        sys.exit("refused: cut off")
    return data[0], data[at : at + length], data[at + length :], data[: at + length]


def sm4_ecb(sm4, text):
    decryptor = Cipher(algorithms.SM4(sm4), modes.ECB()).decryptor()
    return decryptor.update(text) + decryptor.finalize()


def command_decrypt(key_path, ciphertext_path):
    print("text:", sm2_decrypt(key(key_path), content(ciphertext_path)).hex())


def command_encrypt(cert_path, text_path, out):
    ciphertext = sm2_encrypt(need(cert_key(cert(cert_path)), "the certificate's key"), content(text_path))
    with open(out, "wb") as file:
        file.write(ciphertext)


def command_envelope(key_path, envelope_path):
    """SM2EnvelopedKey (GB/T 35276), opened with Tongsuo's SM2 and SM4."""
    _, inside, after, _ = element(content(envelope_path))
    if after:
        sys.exit("refused: something follows the envelope")
    _, _, inside, _ = element(inside)
    _, _, inside, wrapped = element(inside)
    _, public, inside, _ = element(inside)
    _, private, _, _ = element(inside)
    sm4 = sm2_decrypt(key(key_path), wrapped)
    print("private:", sm4_ecb(sm4, private[1:]).hex())
    print("public:", public[1:].hex())


def command_pair(cert_path, key_path):
    """Whether a certificate and a key belong together."""
    if belongs(cert(cert_path), key(key_path)) != 1:
        fail("the key is not the certificate's")


def command_pkcs12(path, passphrase):
    parse = function("PKCS12_parse", c_int, c_void_p, c_char_p, *[POINTER(c_void_p)] * 3)
    read = function("d2i_PKCS12_bio", c_void_p, c_void_p, c_void_p)
    bundle = need(read(bio(content(path)), None), "the PKCS#12 file")
    pkey, own, others = c_void_p(), c_void_p(), c_void_p()
    if parse(bundle, content(passphrase).strip(), byref(pkey), byref(own), byref(others)) != 1:
        fail("the PKCS#12 file or its passphrase")
    if belongs(own, pkey) != 1:
        fail("the key is not the certificate's")


def command_tlcp(root, chain, sign_cert, sign_key, enc_cert, enc_key):
    """A TLCP handshake in memory: the server has the pair, the client believes the root."""
    method = {side: function(f"NTLS_{side}_method", c_void_p)() for side in ("server", "client")}
    new_ctx = function("SSL_CTX_new", c_void_p, c_void_p)
    enable = function("SSL_CTX_enable_ntls", None, c_void_p)
    control = function("SSL_CTX_ctrl", c_long, c_void_p, c_int, c_long, c_void_p)
    ciphers = function("SSL_CTX_set_cipher_list", c_int, c_void_p, c_char_p)
    server, client = new_ctx(method["server"]), new_ctx(method["client"])
    for ctx in (server, client):
        enable(ctx)
        if ciphers(ctx, b"ECC-SM2-SM4-CBC-SM3:ECC-SM2-WITH-SM4-SM3:ECC-SM2-SM4-GCM-SM3") != 1:
            fail("the cipher suites")
    for half, (cert_path, key_path) in {"sign": (sign_cert, sign_key), "enc": (enc_cert, enc_key)}.items():
        use_cert = function(f"SSL_CTX_use_{half}_certificate", c_int, c_void_p, c_void_p)
        use_key = function(f"SSL_CTX_use_{half}_PrivateKey", c_int, c_void_p, c_void_p)
        if use_cert(server, cert(cert_path)) != 1 or use_key(server, key(key_path)) != 1:
            fail(f"the {half} half of the pair")
    for between in certs(chain) if chain != "-" else []:
        control(server, 14, 0, between)  # SSL_CTRL_EXTRA_CHAIN_CERT
    store = function("SSL_CTX_get_cert_store", c_void_p, c_void_p)(client)
    add = function("X509_STORE_add_cert", c_int, c_void_p, c_void_p)
    for trusted in certs(root):
        add(store, trusted)
    function("SSL_CTX_set_verify", None, c_void_p, c_int, c_void_p)(client, 1, None)
    new = function("SSL_new", c_void_p, c_void_p)
    ends = [new(server), new(client)]
    set_bio = function("SSL_set_bio", None, c_void_p, c_void_p, c_void_p)
    to_client, to_server = bio_new(bio_mem()), bio_new(bio_mem())
    up = function("BIO_up_ref", c_int, c_void_p)
    up(to_client), up(to_server)
    set_bio(ends[0], to_server, to_client)
    set_bio(ends[1], to_client, to_server)
    for buffer in (to_client, to_server):
        function("BIO_ctrl", c_long, c_void_p, c_int, c_long, c_void_p)(buffer, 130, -1, None)  # "retry", not end
    function("SSL_set_accept_state", None, c_void_p)(ends[0])
    function("SSL_set_connect_state", None, c_void_p)(ends[1])
    shake = function("SSL_do_handshake", c_int, c_void_p)
    why = function("SSL_get_error", c_int, c_void_p, c_int)
    done = [False, False]
    for _ in range(20):
        for at in (1, 0):
            if not done[at]:
                result = shake(ends[at])
                done[at] = result == 1
                if not done[at] and why(ends[at], result) not in (2, 3):
                    fail(f"the handshake, by the {'client' if at else 'server'}:")
        if all(done):
            break
    if not all(done):
        fail("the handshake does not end")
    version = function("SSL_get_version", c_char_p, c_void_p)(ends[1]).decode()
    current = function("SSL_get_current_cipher", c_void_p, c_void_p)(ends[1])
    print("version:", version)
    print("cipher:", function("SSL_CIPHER_get_name", c_char_p, c_void_p)(current).decode())


if __name__ == "__main__":
    globals()[f"command_{sys.argv[1]}"](*sys.argv[2:])
    print("ok")
