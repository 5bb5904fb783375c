/*
 * A device after GM/T 0018 for tests: written from the standard's list of functions, not from any vendor's header.
 * It keeps a few SM2 keys and does real SM2 with the big numbers and curves of libcrypto, found while running: neither
 * headers nor a link to it are needed.
 *
 * It is stricter than a device need be: what the standard calls wrong is refused with its SDR_ number, and what would
 * be undefined in a real library (a handle that was closed, two threads in one session, a device closed under its
 * sessions) ends the process.
 *
 * Built with -DFAULT=... it misbehaves in one way, and with -DGMSSL it takes the calls of that dialect.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE 0
#define WRONG_SIGNATURE 1 /* signs something else */
#define SLOW 2            /* answers after a while */
#define NO_HANDLE 3       /* says yes and gives no session */
#define ZERO 4            /* says yes and gives zeros */
#define WIDE 5            /* gives numbers of more than 256 bits */
#define GONE 6            /* was unplugged */
#define OTHER_KEY 7       /* has other keys than the others */
#ifndef FAULT
#define FAULT NONE
#endif

#define SDR(n) (0x01000000u + (n))
#define COMMFAIL SDR(0x03)
#define PARDENY SDR(0x07)
#define KEYNOTEXIST SDR(0x08)
#define SKOPERR SDR(0x0c)
#define ENCDATAERR SDR(0x16)
#define ALGNOTSUPPORT SDR(0x09)
#define INARGERR SDR(0x1d)
#define OUTARGERR SDR(0x1e)

typedef struct { uint32_t bits; uint8_t x[64], y[64]; } PublicKey;
typedef struct { uint8_t r[64], s[64]; } Signature;
typedef struct { uint8_t x[64], y[64], m[32]; uint32_t length; uint8_t c[]; } Cipher;
typedef struct {
    uint8_t issuer[40], name[16], serial[16];
    uint32_t version, standard, asymmetric[2], symmetric, hash, buffer;
} Info;

/* ---- libcrypto, by name ---- */
typedef void *P;
#define CRYPTO(type, name, args) static type (*name) args;
#define LIST \
    X(P, BN_new, (void)) X(P, BN_CTX_new, (void)) X(P, BN_bin2bn, (const uint8_t *, int, P)) \
    X(int, BN_bn2binpad, (P, uint8_t *, int)) X(int, BN_mod_add, (P, P, P, P, P)) X(int, BN_mod_mul, (P, P, P, P, P)) \
    X(int, BN_mod_sub, (P, P, P, P, P)) X(P, BN_mod_inverse, (P, P, P, P)) X(int, BN_is_zero, (P)) \
    X(int, BN_rand_range, (P, P)) X(int, BN_set_word, (P, unsigned long)) X(P, EC_GROUP_new_by_curve_name, (int)) \
    X(P, EC_GROUP_get0_order, (P)) X(P, EC_POINT_new, (P)) X(int, EC_POINT_mul, (P, P, P, P, P, P)) \
    X(int, EC_POINT_get_affine_coordinates, (P, P, P, P, P)) X(int, EC_POINT_set_affine_coordinates, (P, P, P, P, P)) \
    X(int, RAND_bytes, (uint8_t *, int)) X(P, EVP_sm3, (void)) \
    X(int, EVP_Digest, (const void *, size_t, uint8_t *, unsigned *, P, P))
#define X CRYPTO
LIST
#undef X

static P group, order;

__attribute__((constructor)) static void start(void) {
    P library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libcrypto.so", RTLD_NOW | RTLD_LOCAL);
    if (!library) { fprintf(stderr, "double: no libcrypto\n"); return; }
#define X(type, name, args) if (!(*(void **)&name = dlsym(library, #name))) { fprintf(stderr, "double: no " #name "\n"); return; }
    LIST
#undef X
    group = EC_GROUP_new_by_curve_name(1172); /* NID_sm2 */
    if (group) order = EC_GROUP_get0_order(group);
}

/* ---- handles ---- */
#define SESSIONS 64
#define KEYS 8
struct Session { int open, busy; uint8_t granted[KEYS + 1]; };
static struct { int open; } device;
static struct Session sessions[SESSIONS];
static int lock;

static void fatal(const char *what) { fprintf(stderr, "double: %s\n", what); abort(); }
static void enter(void) { while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) usleep(10); }
static void leave(void) { __atomic_store_n(&lock, 0, __ATOMIC_RELEASE); }

static struct Session *use(void *handle) {
    struct Session *s = handle;
    if (s < sessions || s >= sessions + SESSIONS || !s->open) fatal("a call with a session that is not open");
    if (__atomic_exchange_n(&s->busy, 1, __ATOMIC_ACQUIRE)) fatal("two threads in one session");
    return s;
}
static uint32_t done(struct Session *s, uint32_t answer) { __atomic_store_n(&s->busy, 0, __ATOMIC_RELEASE); return answer; }

uint32_t SDF_OpenDevice(void **out) {
    if (!out) return OUTARGERR;
    if (!order || FAULT == GONE) return COMMFAIL;
    enter(); device.open++; leave();
    *out = &device;
    return 0;
}

uint32_t SDF_CloseDevice(void *handle) {
    if (handle != &device || !device.open) fatal("a device is closed that is not open");
    enter();
    if (device.open == 1)
        for (int i = 0; i < SESSIONS; i++) if (sessions[i].open) fatal("the device is closed under a session");
    device.open--;
    leave();
    return 0;
}

uint32_t SDF_OpenSession(void *handle, void **out) {
    if (handle != &device || !device.open) return INARGERR;
    if (!out) return OUTARGERR;
    if (FAULT == NO_HANDLE) return 0;
    enter();
    for (int i = 0; i < SESSIONS; i++)
        if (!sessions[i].open) {
            memset(&sessions[i], 0, sizeof sessions[i]);
            sessions[i].open = 1;
            leave();
            *out = &sessions[i];
            return 0;
        }
    leave();
    return SDR(0x06);
}

uint32_t SDF_CloseSession(void *handle) {
    struct Session *s = use(handle);
    enter(); s->open = 0; leave();
    return done(s, 0);
}

uint32_t SDF_GetDeviceInfo(void *handle, Info *out) {
    struct Session *s = use(handle);
    if (!out) return done(s, OUTARGERR);
    memset(out, 0, sizeof *out);
    memcpy(out->issuer, "Yinxin tests", 12);
    memcpy(out->name, "double", 6);
    memcpy(out->serial, "2026112100000001", 16);
    out->version = 0x00010203;
    out->standard = 1;
    return done(s, 0);
}

uint32_t SDF_GenerateRandom(void *handle, uint32_t length, uint8_t *out) {
    struct Session *s = use(handle);
    if (!out) return done(s, OUTARGERR);
    return done(s, RAND_bytes(out, (int)length) == 1 ? 0 : SDR(0x17));
}

/* ---- keys: index 1 to 8, of which 7 was never filled; the private key at an index follows from it ---- */
static int has(uint32_t index) { return index >= 1 && index <= KEYS && index != 7; }

static P private_key(uint32_t index, int encryption) {
    uint8_t d[32], seed[3] = { (uint8_t)index, (uint8_t)encryption, FAULT == OTHER_KEY };
    unsigned length = 32;
    if (!EVP_Digest(seed, 3, d, &length, EVP_sm3(), NULL)) fatal("no SM3");
    d[0] &= 0x7f; /* below the order */
    return BN_bin2bn(d, 32, NULL);
}

uint32_t SDF_GetPrivateKeyAccessRight(void *handle, uint32_t index, const uint8_t *password, uint32_t length) {
    struct Session *s = use(handle);
    if (!has(index)) return done(s, KEYNOTEXIST);
    if (!password || length != 8 || memcmp(password, "Sdf-1234", 8)) return done(s, PARDENY);
    s->granted[index] = 1;
    return done(s, 0);
}

uint32_t SDF_ReleasePrivateKeyAccessRight(void *handle, uint32_t index) {
    struct Session *s = use(handle);
    if (!has(index) || !s->granted[index]) return done(s, INARGERR);
    s->granted[index] = 0;
    return done(s, 0);
}

static uint32_t public_key(void *handle, uint32_t index, PublicKey *out, int encryption) {
    struct Session *s = use(handle);
    if (!out) return done(s, OUTARGERR);
    if (!has(index)) return done(s, KEYNOTEXIST);
    P ctx = BN_CTX_new(), point = EC_POINT_new(group), x = BN_new(), y = BN_new();
    EC_POINT_mul(group, point, private_key(index, encryption), NULL, NULL, ctx);
    EC_POINT_get_affine_coordinates(group, point, x, y, ctx);
    memset(out, 0, sizeof *out);
    out->bits = 256;
    if (FAULT != ZERO) {
        BN_bn2binpad(x, out->x + 32, 32);
        BN_bn2binpad(y, out->y + 32, 32);
    }
    if (FAULT == WIDE) out->x[0] = 1;
    return done(s, 0);
}
uint32_t SDF_ExportSignPublicKey_ECC(void *h, uint32_t index, PublicKey *out) { return public_key(h, index, out, 0); }
uint32_t SDF_ExportEncPublicKey_ECC(void *h, uint32_t index, PublicKey *out) { return public_key(h, index, out, 1); }

/* GB/T 32918.2 6.1, from the digest on: r = e + x1, s = (1 + d)^-1 (k - r d). */
uint32_t SDF_InternalSign_ECC(void *handle, uint32_t index, const uint8_t *e, uint32_t length, Signature *out) {
    struct Session *s = use(handle);
    if (!out) return done(s, OUTARGERR);
    if (!e || length != 32) return done(s, INARGERR);
    if (!has(index)) return done(s, KEYNOTEXIST);
    if (!s->granted[index]) return done(s, PARDENY);
    if (FAULT == SLOW) usleep(700 * 1000);
    P ctx = BN_CTX_new(), d = private_key(index, 0), k = BN_new(), x = BN_new(), r = BN_new(), t = BN_new();
    P digest = BN_bin2bn(e, 32, NULL), one = BN_new(), point = EC_POINT_new(group);
    BN_set_word(one, 1);
    if (FAULT == WRONG_SIGNATURE) BN_mod_add(digest, digest, one, order, ctx);
    do {
        if (!BN_rand_range(k, order)) return done(s, SDR(0x17));
        EC_POINT_mul(group, point, k, NULL, NULL, ctx);
        EC_POINT_get_affine_coordinates(group, point, x, NULL, ctx);
        BN_mod_add(r, digest, x, order, ctx);
        BN_mod_mul(t, r, d, order, ctx);
        BN_mod_sub(t, k, t, order, ctx);
        BN_mod_add(x, d, one, order, ctx);
        if (!BN_mod_inverse(x, x, order, ctx)) return done(s, SKOPERR);
        BN_mod_mul(t, t, x, order, ctx);
        BN_mod_add(x, r, k, order, ctx);
    } while (BN_is_zero(r) || BN_is_zero(t) || BN_is_zero(x));
    memset(out, 0, sizeof *out);
    if (FAULT != ZERO) {
        BN_bn2binpad(r, out->r + 32, 32);
        BN_bn2binpad(t, out->s + 32, 32);
    }
    if (FAULT == WIDE) out->r[31] = 1;
    return done(s, 0);
}

/* GB/T 32918.4 7.1: (x2, y2) = d C1, t = KDF(x2 || y2), M = C2 xor t, C3 = SM3(x2 || M || y2). */
static uint32_t decrypt(struct Session *s, uint32_t index, const Cipher *in, uint8_t *out, uint32_t *written) {
    if (!in || !in->length) return INARGERR;
    if (!out || !written) return OUTARGERR;
    if (*written < in->length) return SDR(0x1c);
    if (!has(index)) return KEYNOTEXIST;
    if (!s->granted[index]) return PARDENY;
    for (int i = 0; i < 32; i++) if (in->x[i] || in->y[i]) return ENCDATAERR;
    P ctx = BN_CTX_new(), point = EC_POINT_new(group);
    P x = BN_bin2bn(in->x + 32, 32, NULL), y = BN_bin2bn(in->y + 32, 32, NULL);
    if (EC_POINT_set_affine_coordinates(group, point, x, y, ctx) != 1) return ENCDATAERR;
    EC_POINT_mul(group, point, NULL, point, private_key(index, 1), ctx);
    EC_POINT_get_affine_coordinates(group, point, x, y, ctx);
    uint8_t block[68], t[32], *check = malloc(64 + in->length);
    unsigned length;
    BN_bn2binpad(x, block, 32);
    BN_bn2binpad(y, block + 32, 32);
    for (uint32_t i = 0; i < in->length; i++) {
        if (i % 32 == 0) {
            uint32_t n = i / 32 + 1;
            for (int b = 0; b < 4; b++) block[64 + b] = (uint8_t)(n >> (24 - 8 * b));
            EVP_Digest(block, 68, t, &length, EVP_sm3(), NULL);
        }
        out[i] = in->c[i] ^ t[i % 32];
    }
    memcpy(check, block, 32);
    memcpy(check + 32, out, in->length);
    memcpy(check + 32 + in->length, block + 32, 32);
    EVP_Digest(check, 64 + in->length, t, &length, EVP_sm3(), NULL);
    free(check);
    if (memcmp(t, in->m, 32)) { memset(out, 0, in->length); return ENCDATAERR; }
    *written = in->length;
    return 0;
}

#ifdef GMSSL
uint32_t SDF_InternalDecrypt_ECC(void *handle, uint32_t index, uint32_t alg, const Cipher *in, uint8_t *out, uint32_t *written) {
    struct Session *s = use(handle);
    return done(s, alg == 0x00020800 ? decrypt(s, index, in, out, written) : ALGNOTSUPPORT);
}
#else
uint32_t SDF_InternalDecrypt_ECC(void *handle, uint32_t index, const Cipher *in, uint8_t *out, uint32_t *written) {
    struct Session *s = use(handle);
    return done(s, decrypt(s, index, in, out, written));
}
#endif
