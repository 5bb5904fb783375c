//! Which configuration holds: the file, then what the command line changes.

use std::path::PathBuf;

use pki_config::config::Config;

use crate::cli::args::{Global, Up};
use crate::cli::failure::{Failure, sentence};

/// The configuration of `--config`, else of `yinxin.toml` in the data directory, else the defaults; and
/// the file it came from.
///
/// # Errors
/// [`Failure::Usage`] naming the file or the key: nothing was started.
pub fn load(global: &Global) -> Result<(Config, Option<PathBuf>), Failure> {
    let beside = global.data_dir().join("yinxin.toml");
    let file = match &global.config {
        Some(file) => Some(file.clone()),
        None => beside.exists().then_some(beside),
    };
    let config = match &file {
        Some(file) => Config::load(file).map_err(|e| wrong(&e))?,
        None => Config::default(),
    };
    Ok((config, file))
}

/// The configuration with what `up` was told on its command line.
///
/// # Errors
/// As [`load`].
pub fn for_up(global: &Global, args: &Up) -> Result<Config, Failure> {
    let (mut config, _) = load(global)?;
    if let Some(http) = &args.http {
        config.web.http = http.parse().map_err(|e| Failure::Usage(format!("--http {http}: {e}.")))?;
    }
    if let Some(https) = &args.https {
        config.web.https = https.parse().map_err(|e| Failure::Usage(format!("--https {https}: {e}.")))?;
    }
    if let Some(url) = &args.public_url {
        config.web.public_url = Some(url.clone());
    }
    for file in &args.checkpoint_to {
        // Relative to where the command is typed, not to where the server happens to run later.
        config.audit.checkpoint_to.push(std::path::absolute(file).map_err(|e| Failure::file(file, &e))?);
    }
    config.check().map_err(|e| wrong(&e))?;
    Ok(config)
}

/// As TOML.
#[must_use]
pub fn to_toml(config: &Config) -> String {
    toml::to_string(config).unwrap_or_else(|e| format!("# cannot be written: {e}"))
}

fn wrong(error: &pki_config::config::ConfigError) -> Failure {
    Failure::Usage(sentence(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(text: &str) -> (tempfile::TempDir, Global) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("yinxin.toml"), text).unwrap();
        let data = Some(dir.path().to_owned());
        (dir, Global { data, config: None, json: false, server: None, credential: None })
    }

    #[test]
    fn the_command_line_overrules_the_file() {
        let (_dir, global) = global("[web]\nhttp = \"127.0.0.1:9000\"\n");
        assert_eq!(load(&global).unwrap().0.web.http.to_string(), "127.0.0.1:9000");
        let args = Up { http: Some("127.0.0.1:9001".to_owned()), ..Up::default() };
        assert_eq!(for_up(&global, &args).unwrap().web.http.to_string(), "127.0.0.1:9001");
    }

    #[test]
    fn an_unknown_key_or_a_bad_address_is_refused_by_name() {
        let (_dir, with_typo) = global("[web]\nhtpp = \"127.0.0.1:9000\"\n");
        assert!(matches!(load(&with_typo), Err(Failure::Usage(why)) if why.contains("htpp")));
        let (_dir, sound) = global("");
        let args = Up { http: Some("nowhere".to_owned()), ..Up::default() };
        assert!(matches!(for_up(&sound, &args), Err(Failure::Usage(why)) if why.contains("--http nowhere")));
    }

    #[test]
    fn a_configuration_that_was_named_must_exist() {
        let (dir, mut global) = global("");
        global.config = Some(dir.path().join("other.toml"));
        assert!(load(&global).is_err());
    }
}
