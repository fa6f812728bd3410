"""How much a caller may ask for in a second."""

from everlog_server.admission.rates import CallerRates, RatesSnapshot

__all__ = ["CallerRates", "RatesSnapshot"]
