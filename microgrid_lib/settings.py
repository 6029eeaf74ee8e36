"""Settings: environment variables `MICROGRID_*`, or a TOML file, or defaults.

Environment variables win over the file named by `MICROGRID_CONFIG` (default:
`<home>/microgrid.toml` where it exists).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from microgrid_lib.errors import SettingsError
from microgrid_lib.resources import checkout_root

Kind = TypeVar("Kind", bound="Settings")


def default_home() -> Path:
    """The folder that receives everything written when `MICROGRID_HOME` isn't set.

    Returns
    -------
    Path
        `data/` of the checkout when running from one, else the user's data folder.
    """
    root = checkout_root()
    if root is not None:
        return root / "data"
    import platformdirs

    return Path(platformdirs.user_data_dir("microgrid-monitoring"))


def _config_file() -> Path:
    named = os.environ.get("MICROGRID_CONFIG")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"MICROGRID_CONFIG={named!r}: no such file")
        return Path(named)
    return Path(os.environ.get("MICROGRID_HOME") or default_home()) / "microgrid.toml"


class Settings(BaseSettings):
    """What the machine decides: paths, engine, language, database."""

    model_config = SettingsConfigDict(env_prefix="MICROGRID_", extra="ignore")

    home: Path = Field(default_factory=default_home)
    engine: Literal["duckdb", "postgres", "spark"] = "duckdb"
    language: Literal["en", "fr"] = "en"
    site: str = "mesa_del_sol"
    database_url: SecretStr | None = None
    tile_url: str | None = None
    tile_attribution: str | None = None
    memory_limit_mb: int = Field(default=1024, ge=128)
    threads: int | None = Field(default=None, ge=1)
    jobs: int = Field(default=2, ge=1)
    parallel_backend: Literal["loky", "threading", "spark", "dask"] = "loky"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, TOML file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=_config_file())
        return init_settings, env_settings, toml

    @property
    def lake(self) -> Path:
        """Folder of the Delta tables."""
        return self.home / "lake"

    @property
    def demo(self) -> Path:
        """Folder of the synthetic demo files."""
        return self.home / "demo"

    @property
    def models(self) -> Path:
        """Folder of the trained models; a folder per site and profile."""
        return self.home / "models"

    @property
    def reports(self) -> Path:
        """Folder of the reports made."""
        return self.home / "reports"


def load_settings() -> Settings:
    """Read the settings afresh.

    Raises
    ------
    SettingsError
        A value isn't allowed; the text names variable, value and what is allowed.
    """
    return read_settings(Settings)


def read_settings(kind: type[Kind]) -> Kind:
    """Read settings of a kind that adds to the common ones; as `load_settings`."""
    try:
        settings = kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = "MICROGRID_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}={first['input']!r}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{_config_file()}: {error}") from None
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})
