//! Certificate profiles: which there are, and how they change.

use crate::api::Nothing;
use crate::api::profile::{
    ProfileCompare, ProfileDetail, ProfileDiff, ProfileList, ProfilePropose, ProfileRef, ProfileReject, ProfileVersion,
};
use crate::cli::args::{Global, ProfileCommand};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::table::{Table, plain};

/// The largest file that is read as a profile's text. Unit: bytes.
const LARGEST: usize = pki_config::profile::LONGEST_SOURCE;

/// `yinxin profile`.
///
/// # Errors
/// The server refuses, or a file cannot be read or written.
pub async fn run(global: &Global, console: Console, command: ProfileCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    match command {
        ProfileCommand::List => {
            let list: ProfileList = client.call("profile/list", &Nothing {}).await?;
            console.answer(&list, || list_text(console, &list))
        }
        ProfileCommand::Show { profile, version, out } => {
            let detail: ProfileDetail = client.call("profile/show", &ProfileRef { profile, version }).await?;
            if let Some(out) = &out {
                file::write_new(out, detail.source.as_bytes(), file::PUBLIC)?;
            }
            console.answer(&detail, || detail_text(&detail, out.is_none()))
        }
        ProfileCommand::Diff { profile, from, to } => {
            let diff: ProfileDiff = client.call("profile/diff", &ProfileCompare { profile, from, to }).await?;
            console.answer(&diff, || diff_text(&diff))
        }
        ProfileCommand::Propose { file, note } => {
            let text = file::read(&file, LARGEST)?;
            let source = String::from_utf8(text)
                .map_err(|_| Failure::Here(format!("{} is not UTF-8.", plain(&file.display().to_string()))))?;
            let made: ProfileVersion = client.call("profile/propose", &ProfilePropose { source, note }).await?;
            console.answer(&made, || {
                let name = plain(&made.profile);
                format!(
                    "Version {0} of {name} waits for another officer: yinxin profile approve {name} {0}",
                    made.version
                )
            })
        }
        ProfileCommand::Approve { profile, version } => {
            let ask = ProfileRef { profile, version: Some(version) };
            let made: ProfileVersion = client.call("profile/approve", &ask).await?;
            console.answer(&made, || format!("Version {} of {} is in force.", made.version, plain(&made.profile)))
        }
        ProfileCommand::Reject { profile, version, reason } => {
            let made: ProfileVersion =
                client.call("profile/reject", &ProfileReject { profile, version, reason }).await?;
            console.answer(&made, || format!("Version {} of {} is rejected.", made.version, plain(&made.profile)))
        }
    }
}

fn list_text(console: Console, list: &ProfileList) -> String {
    let mut table = Table::new(["PROFILE", "VERSION", "RULES", "DAYS", "KEYS", "FOR"]);
    for profile in list.profiles.iter().filter(|profile| !profile.internal) {
        let title = console.language.of(&profile.title.en, &profile.title.zh);
        let version = format!("{} {}", profile.version, profile.state);
        let days = format!("{} of {}", profile.days, profile.max_days);
        table.row([&profile.profile, &version, &profile.lints, &days, &profile.keys.join(" "), title]);
    }
    let mut text = table.to_string();
    for waiting in &list.waiting {
        let (name, by) = (plain(&waiting.profile), plain(waiting.proposer.as_deref().unwrap_or("-")));
        text.push_str(&format!(
            "Version {} of {name} waits, proposed by {by}: {}\n",
            waiting.version,
            plain(&waiting.note)
        ));
    }
    text
}

fn detail_text(detail: &ProfileDetail, with_source: bool) -> String {
    let mut table = Table::new(["VERSION", "STATE", "PROPOSED BY", "DECIDED BY", "SM3", "NOTE"]);
    for version in &detail.versions {
        let state = if version.in_force { format!("{}, in force", version.state) } else { version.state.clone() };
        let (by, decider) = (version.proposer.as_deref().unwrap_or("-"), version.decider.as_deref().unwrap_or("-"));
        let (number, sm3) = (version.version.to_string(), version.sm3.get(..16).unwrap_or_default());
        table.row([&number, &state, by, decider, sm3, &version.note]);
    }
    let source: String = detail.source.lines().map(|line| plain(line) + "\n").collect();
    if with_source { format!("{source}\n{table}") } else { table.to_string() }
}

fn diff_text(diff: &ProfileDiff) -> String {
    if diff.changes.is_empty() {
        return "No rule differs.".to_owned();
    }
    let mut table = Table::new(["RULE", "BEFORE", "AFTER"]);
    for change in &diff.changes {
        let value = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.row([change.rule.clone(), value(&change.before), value(&change.after)]);
    }
    table.to_string()
}
