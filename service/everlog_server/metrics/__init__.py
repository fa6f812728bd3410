"""Figures for Prometheus: what the rooms count, read and named when somebody scrapes.

The only room that knows prometheus_client. The others give plain snapshots; here they get names,
help texts and labels. Nothing is done between two scrapes, but for the event loop's delay, which is
measured four times a second.

Labels are bounded: methods, codes and reasons by the contract, pools by the code, tenants by
`metrics.tenants_max`. The port is the operator's: it tells of all tenants.
"""

from everlog_server.metrics.loop_delay import LoopDelay
from everlog_server.metrics.server import MetricsServer
from everlog_server.metrics.source import MetricsSource

__all__ = ["LoopDelay", "MetricsServer", "MetricsSource"]
