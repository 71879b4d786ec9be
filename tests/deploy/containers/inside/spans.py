"""What this collector has got."""

import urllib.request

with urllib.request.urlopen("http://127.0.0.1:4318/spans", timeout=10) as answer:
    print(answer.read().decode())
