"""Holds a bill of materials against CycloneDX's own schema; needs .ci/requirements.txt (`make tools`)."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = Path(sys.argv[1]).read_text()
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if problem is not None:
    sys.exit(f"{sys.argv[1]} is no CycloneDX 1.6: {problem}")
print(f"{sys.argv[1]} is CycloneDX 1.6")
