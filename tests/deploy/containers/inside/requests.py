"""How many requests this gateway has answered."""

import json
import re
import urllib.request

with urllib.request.urlopen("http://127.0.0.1:9100/metrics", timeout=5) as answer:
    metrics = answer.read().decode()
values = re.findall(r"^gateway_requests_total\{.*?\} (\S+)$", metrics, re.MULTILINE)
print(json.dumps(sum(map(float, values))))
