"""`everlog doctor`: looks at a deployment, and says what is wrong with it and what mends it.

Facts come from storage/diagnosis.py; here they are judged. A check that can't be made, because this
login does not see what it needs, is a finding too, and ends no other.
"""

from everlog_server.doctor.examination import examine, examine_disk
from everlog_server.doctor.findings import Finding, Severity

__all__ = ["Finding", "Severity", "examine", "examine_disk"]
