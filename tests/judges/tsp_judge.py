# Outside judges of time-stamps from the Python index: rfc3161-client and pyHanko.
#
#     python3 tsp_judge.py rfc3161-client|pyhanko DATA ANSWER ROOT
#
# ROOT (PEM) is the only root that is believed; the digest is SHA-256. Nothing of the suite is used here. The exit
# status is the verdict: 0 accepted, 1 refused, 2 wrong usage, 3 the judge itself failed.

import asyncio
import hashlib
import sys
import traceback


class Refused(Exception):
    pass


def rfc3161_client(data, answer, root):
    from cryptography import x509
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response = decode_timestamp_response(answer)
        verifier = VerifierBuilder().add_root_certificate(x509.load_pem_x509_certificate(root)).build()
        if not verifier.verify_message(response, data):
            raise Refused("verify_message says no")
    except (VerificationError, ValueError) as why:
        raise Refused(repr(why)) from why
    print(f"time: {response.tst_info.gen_time.isoformat()}")
    print(f"policy: {response.tst_info.policy.dotted_string}")


def pyhanko(data, answer, root):
    from asn1crypto import pem, tsp, x509
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko.sign.validation.status import TimestampSignatureStatus
    from pyhanko_certvalidator import ValidationContext
    from pyhanko_certvalidator.errors import ValidationError

    try:
        response = tsp.TimeStampResp.load(answer, strict=True)
        if response["status"]["status"].native != "granted":
            raise Refused(response["status"]["status"].native)
        signed = response["time_stamp_token"]["content"]
        context = ValidationContext(trust_roots=[x509.Certificate.load(pem.unarmor(root)[2])], allow_fetching=False)
        imprint = lambda name: hashlib.new(name, data).digest()
        told = asyncio.run(validate_tst_signed_data(signed, context, imprint))
        status = TimestampSignatureStatus(**told)
    except (SignatureValidationError, ValidationError, ValueError) as why:
        raise Refused(repr(why)) from why
    if not (status.valid and status.intact and status.trusted):
        raise Refused(status.summary())
    print(f"time: {status.timestamp.isoformat()}")


def main():
    judges = {"rfc3161-client": rfc3161_client, "pyhanko": pyhanko}
    if len(sys.argv) != 5 or sys.argv[1] not in judges:
        print("usage: rfc3161-client|pyhanko DATA ANSWER ROOT", file=sys.stderr)
        return 2
    try:
        judges[sys.argv[1]](*(open(name, "rb").read() for name in sys.argv[2:]))
    except Refused as why:
        print(f"refused: {why}")
        return 1
    except Exception:
        traceback.print_exc()
        return 3
    return 0


sys.exit(main())
