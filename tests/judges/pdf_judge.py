# An outside judge of signed PDF documents from the Python index: pyHanko. It knows no SM2.
#
#     python3 pdf_judge.py now|kept FILE ROOT
#
# ROOT (PEM) is the only root that is believed, and nothing is fetched. `now`: revocation is not looked at. `kept`: the
# document itself must carry what shows that no certificate was revoked (PAdES B-LT). Nothing of the suite is used
# here. The exit status is the verdict: 0 accepted, 1 refused, 2 wrong usage, 3 the judge itself failed.

import asyncio
import sys
import traceback


class Refused(Exception):
    pass


async def judge(mode, file, root):
    from asn1crypto import pem, x509
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.dss import DocumentSecurityStore
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko_certvalidator import ValidationContext
    from pyhanko_certvalidator.errors import ValidationError

    with open(root, "rb") as f:
        anchor = x509.Certificate.load(pem.unarmor(f.read())[2])
    given = {"trust_roots": [anchor], "allow_fetching": False}
    with open(file, "rb") as f:
        try:
            reader = PdfFileReader(f)
            if mode == "kept":
                store = DocumentSecurityStore.read_dss(reader)
                context = store.as_validation_context({**given, "revocation_mode": "require"})
            else:
                context = ValidationContext(**given, revocation_mode="soft-fail")
            signatures = reader.embedded_regular_signatures
            if not signatures:
                raise Refused("it bears no signature")
            for signature in signatures:
                status = await async_validate_pdf_signature(signature, context, context)
                print(f"signature: {signature.field_name}")
                print(f"format: {signature.sig_object.get('/SubFilter')}")
                print(f"coverage: {status.coverage.name}")
                print(f"changes: {status.modification_level.name if status.modification_level else 'none'}")
                print(f"stamped: {status.timestamp_validity is not None}")
                if status.timestamp_validity and not (status.timestamp_validity.valid and status.timestamp_validity.trusted):
                    raise Refused("its time-stamp: " + status.timestamp_validity.summary())
                if not status.bottom_line:
                    raise Refused(status.summary() + "\n" + status.pretty_print_details())
        except (SignatureValidationError, ValidationError, PdfError, ValueError) as why:
            raise Refused(repr(why)) from why


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("now", "kept"):
        print("usage: now|kept FILE ROOT", file=sys.stderr)
        return 2
    try:
        asyncio.run(judge(*sys.argv[1:]))
    except Refused as why:
        print(f"refused: {why}")
        return 1
    except Exception:
        traceback.print_exc()
        return 3
    return 0


sys.exit(main())
