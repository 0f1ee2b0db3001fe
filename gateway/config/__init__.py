"""The configuration: one TOML file, every key also from the environment, all faults told at once."""

from gateway.config.addresses import Address, FdAddress, TcpAddress, UnixAddress, parse_address
from gateway.config.certificates import read_certificate
from gateway.config.checks import check_together
from gateway.config.faults import ConfigFaults, Fault
from gateway.config.load import ENVIRONMENT_PREFIX, load
from gateway.config.model import Config
from gateway.config.sections import Route, Tracing

__all__ = [
    "ENVIRONMENT_PREFIX",
    "Address",
    "Config",
    "ConfigFaults",
    "Fault",
    "FdAddress",
    "Route",
    "TcpAddress",
    "Tracing",
    "UnixAddress",
    "check_together",
    "load",
    "parse_address",
    "read_certificate",
]
