"""Pure: the files in which another system hands over its accounts, balances and registers, strictly read."""

from cis.opening_files.columns import Day, Number, SignedNumber, Text, Unreadable, Whole, Word
from cis.opening_files.control import Control, ControlFault, Totals, differences, read_control
from cis.opening_files.layouts import BY_NAME, CONTROL_FILE, LAYOUTS, Column, Layout
from cis.opening_files.reading import Fault, Row, read_cells, read_rows
from cis.opening_files.template import control_template, header_of, read_me

__all__ = [
    "BY_NAME",
    "CONTROL_FILE",
    "LAYOUTS",
    "Column",
    "Control",
    "ControlFault",
    "Day",
    "Fault",
    "Layout",
    "Number",
    "Row",
    "SignedNumber",
    "Text",
    "Totals",
    "Unreadable",
    "Whole",
    "Word",
    "control_template",
    "differences",
    "header_of",
    "read_cells",
    "read_control",
    "read_me",
    "read_rows",
]
