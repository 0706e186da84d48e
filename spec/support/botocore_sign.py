# Signs requests as botocore does: reads a JSON object a line from a file, and writes one with what came of it.
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

for line in open(sys.argv[1], encoding="utf-8"):
    asked = json.loads(line)
    credentials = Credentials(asked["id"], asked["secret"], asked.get("token"))
    auth = SigV4Auth(credentials, asked["service"], asked["region"])
    request = AWSRequest(
        method=asked["method"], url=asked["url"], headers=asked["headers"], data=asked["body"].encode("latin-1")
    )
    request.context["timestamp"] = asked["date"]
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, canonical)
    print(json.dumps({"canonical_request": canonical, "signature": auth.signature(to_sign, request)}))
