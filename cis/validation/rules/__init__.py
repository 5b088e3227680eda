"""Pure: the checks, one file each; `cis.validation.registry` lists them in their order."""
