//! `yinxin seal`: seals and their life, and seals on documents.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::seal::{
    self as api, DrawnAsk, PictureAsk, PictureInfo, SealDetail, SealInfo, SealPage, SealQuery, SealRef, SealStatusInfo,
    SealStepAsk, SealUsePage, SealUseQuery, UploadAsk,
};
use crate::cli::args::{Global, Look, SealCommand, SealMake, SealName, SealStep, SealUses, SealWish, Shape};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::pem;
use crate::cli::table::{Table, plain};

mod apply;
mod report;

/// The largest picture that is sent. Unit: bytes.
const LARGEST_PICTURE: usize = 16 * 1024 * 1024;
/// Digits of a seal's identifier.
const ID_DIGITS: usize = 32;
/// Fewest of them by which a seal can be named.
const FEWEST_DIGITS: usize = 6;
/// Most seals that are listed.
const MOST_SEALS: usize = 100_000;

/// Runs it.
///
/// # Errors
/// The server refuses, a seal is not found, or a file cannot be read or written.
pub async fn run(global: &Global, console: Console, command: SealCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    match command {
        SealCommand::Make(args) => make(&client, console, args).await,
        SealCommand::Request(args) => {
            let detail: SealDetail = client.call("seal/apply", &wish(args.wish)?).await?;
            tell(console, &detail, "Asked for; somebody else approves it with `yinxin seal approve`")
        }
        SealCommand::Draw(args) => {
            free(Some(&args.out))?;
            let info: PictureInfo = client.call("seal/picture", &picture(&args.look)?).await?;
            file::put_new(&args.out, &bytes(&info.png)?, file::PUBLIC)?;
            console.answer(&info, || format!("{}: {} x {} mm", args.out.display(), info.width, info.height))
        }
        SealCommand::Review(name) => {
            step(&client, console, "seal/review", name, "Reviewed; somebody else approves it").await
        }
        SealCommand::Approve(name) => {
            step(&client, console, "seal/approve", name, "Approved and made; `yinxin seal enable` lets it be used")
                .await
        }
        SealCommand::Enable(name) => step(&client, console, "seal/enable", name, "May be used").await,
        SealCommand::Reject(args) => reasoned(&client, console, "seal/reject", args, "Rejected").await,
        SealCommand::Suspend(args) => {
            reasoned(&client, console, "seal/suspend", args, "Suspended; `yinxin seal enable` takes it back").await
        }
        SealCommand::Revoke(args) => reasoned(&client, console, "seal/revoke", args, "Revoked, for good").await,
        SealCommand::Destroy(args) => reasoned(&client, console, "seal/destroy", args, "Destroyed").await,
        SealCommand::Renew(args) => {
            free(args.out.as_deref())?;
            let seal = find(&client, &args.name.seal).await?;
            let ask = api::SealRenew { seal, holders: certificates(&args.holder)? };
            let detail: SealDetail = client.call("seal/renew", &ask).await?;
            write_seal(&detail, args.out.as_deref())?;
            tell(console, &detail, "Made again")
        }
        SealCommand::List(args) => {
            let seals = all(&client, &SealQuery { state: args.state, name: args.name, ..SealQuery::default() }).await?;
            console.answer(&seals, || list_text(&seals))
        }
        SealCommand::Show(args) => {
            free(args.out.as_deref())?;
            free(args.picture.as_deref())?;
            let ask = SealRef { seal: find(&client, &args.name.seal).await? };
            let detail: SealDetail = client.call("seal/show", &ask).await?;
            write_seal(&detail, args.out.as_deref())?;
            if let Some(out) = &args.picture {
                let png = detail.picture.as_ref().ok_or_else(|| Failure::Here("The picture is destroyed.".into()))?;
                file::put_new(out, &bytes(png)?, file::PUBLIC)?;
            }
            console.answer(&detail, || detail_text(&detail))
        }
        SealCommand::Status(args) => {
            free(args.out.as_deref())?;
            let ask = SealRef { seal: find(&client, &args.name.seal).await? };
            let status: SealStatusInfo = client.call("seal/status", &ask).await?;
            if let Some(out) = &args.out {
                file::put_new(out, &bytes(&status.signed)?, file::PUBLIC)?;
            }
            console.answer(&status, || status_text(&status))
        }
        SealCommand::Uses(args) => uses(&client, console, args).await,
        SealCommand::Apply(args) => apply::run(client, console, args).await,
        SealCommand::Report(args) => report::run(&client, console, args).await,
    }
}

async fn make(client: &Client, console: Console, args: SealMake) -> Result<(), Failure> {
    free(args.out.as_deref())?;
    let detail: SealDetail = client.call("seal/create", &wish(args.wish)?).await.inspect_err(|failure| {
        // The trial's short way is closed here: name the long one.
        if failure.code() == Some("FORBIDDEN") {
            console.hint(
                "Here two people make a seal: `yinxin seal request`, then somebody else's `yinxin seal approve`.",
            );
        }
    })?;
    write_seal(&detail, args.out.as_deref())?;
    tell(console, &detail, "Made, and may be used")
}

/// One step in the life of a seal.
async fn step(client: &Client, console: Console, verb: &str, name: SealName, done: &str) -> Result<(), Failure> {
    let ask = SealRef { seal: find(client, &name.seal).await? };
    let detail: SealDetail = client.call(verb, &ask).await?;
    tell(console, &detail, done)
}

async fn reasoned(client: &Client, console: Console, verb: &str, args: SealStep, done: &str) -> Result<(), Failure> {
    let ask = SealStepAsk { seal: find(client, &args.name.seal).await?, reason: args.reason };
    let detail: SealDetail = client.call(verb, &ask).await?;
    tell(console, &detail, done)
}

fn tell(console: Console, detail: &SealDetail, done: &str) -> Result<(), Failure> {
    console.answer(detail, || {
        let mut table = Table::pairs();
        let info = &detail.info;
        table.row(["  seal", &info.id]);
        table.row(["  name", &info.name]);
        table.row(["  state", &info.state]);
        table.row(["  size", &format!("{} x {} mm", info.width, info.height)]);
        let until = info
            .valid_from
            .as_ref()
            .map_or_else(|| format!("until {}", info.valid_until), |from| format!("{from} to {}", info.valid_until));
        table.row(["  valid", &until]);
        format!("{done}\n{table}")
    })
}

/// What is asked for, its files read.
fn wish(wish: SealWish) -> Result<api::SealApply, Failure> {
    let personal = wish.look.drawn == Some(Shape::Personal);
    let kind = wish.kind.map(|kind| kind.as_str()).or(personal.then_some("personal"));
    Ok(api::SealApply {
        picture: picture(&wish.look)?,
        name: wish.name,
        kind: kind.map(str::to_owned),
        owner: wish.owner,
        valid_until: wish.until.map(|at| at.to_string()),
        holders: certificates(&wish.holder)?,
        holders_by_digest: wish.by_digest,
        users: wish.user.iter().map(ToString::to_string).collect(),
        note: wish.note,
    })
}

fn picture(look: &Look) -> Result<PictureAsk, Failure> {
    if let Some(path) = &look.picture {
        let data = STANDARD.encode(file::read(path, LARGEST_PICTURE)?);
        return Ok(PictureAsk::Upload(UploadAsk {
            data,
            width: look.width.map(f64::from),
            height: look.height.map(f64::from),
        }));
    }
    let shape = look.drawn.ok_or_else(|| Failure::Usage("Say --drawn SHAPE or --picture FILE.".to_owned()))?;
    Ok(PictureAsk::Drawn(DrawnAsk {
        shape: shape.as_str().to_owned(),
        text: look.text.clone(),
        line: look.line.clone(),
        code: look.code.clone(),
        white: look.white,
        colour: look.colour.clone(),
        number: look.number.clone(),
        star: look.no_star.then_some(false),
        width: look.width.map(f64::from),
        height: look.height.map(f64::from),
        ..DrawnAsk::default()
    }))
}

/// The first certificate of each file, PEM.
fn certificates(paths: &[std::path::PathBuf]) -> Result<Vec<String>, Failure> {
    let first = |path: &std::path::PathBuf| {
        let all = pem::certificates_in(path)?;
        let der = all.first().ok_or_else(|| Failure::Here(format!("{} holds no certificate.", path.display())))?;
        pem::armour("CERTIFICATE", der)
    };
    paths.iter().map(first).collect()
}

/// The identifier of the seal that a text names: itself, the only one that begins with it, or of that name.
///
/// # Errors
/// None or several are meant.
async fn find(client: &Client, text: &str) -> Result<String, Failure> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && text.len() == ID_DIGITS {
        return Ok(text.to_owned());
    }
    let prefix = digits && text.len() >= FEWEST_DIGITS;
    let name = (!prefix).then(|| text.to_owned());
    chosen(all(client, &SealQuery { name, ..SealQuery::default() }).await?, text)
}

/// The seal among these that a text names.
fn chosen(seals: Vec<SealInfo>, text: &str) -> Result<String, Failure> {
    let mut named: Vec<&SealInfo> = seals.iter().filter(|seal| seal.name == text).collect();
    if named.is_empty() && text.len() >= FEWEST_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let begins = |id: &str| id.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
        named = seals.iter().filter(|seal| begins(&seal.id)).collect();
    }
    // Of several with one name, the one in use is meant: the others are rejected, revoked or not made yet.
    if named.len() > 1 && named.iter().filter(|seal| seal.state == "enabled").count() == 1 {
        named.retain(|seal| seal.state == "enabled");
    }
    match named.as_slice() {
        [seal] => Ok(seal.id.clone()),
        [] => Err(Failure::Here(format!("No seal is \"{}\"; `yinxin seal list` shows them.", plain(text)))),
        several => {
            let ids: Vec<String> = several.iter().map(|seal| format!("{} ({})", seal.id, seal.state)).collect();
            Err(Failure::Here(format!("Several seals are \"{}\": {}.", plain(text), plain(&ids.join(", ")))))
        }
    }
}

/// Every seal that a query finds.
async fn all(client: &Client, query: &SealQuery) -> Result<Vec<SealInfo>, Failure> {
    let mut query = SealQuery { limit: Some(500), ..query.clone() };
    let mut seals = Vec::new();
    loop {
        let page: SealPage = client.call("seal/list", &query).await?;
        seals.extend(page.seals);
        match page.next {
            Some(next) if seals.len() < MOST_SEALS && query.after != Some(next) => query.after = Some(next),
            _ => return Ok(seals),
        }
    }
}

async fn uses(client: &Client, console: Console, args: SealUses) -> Result<(), Failure> {
    let seal = match &args.seal {
        Some(text) => Some(find(client, text).await?),
        None => None,
    };
    let ask = SealUseQuery { seal, after: args.after, limit: Some(args.limit) };
    let page: SealUsePage = client.call("seal/uses", &ask).await?;
    console.answer(&page, || {
        if page.uses.is_empty() {
            return "Not used.".to_owned();
        }
        let mut table = Table::new(["AT", "BY", "FORM", "SEAL", "REQUEST", "LOG", "DOCUMENT"]);
        for one in &page.uses {
            let document = one.document.as_deref().unwrap_or("-");
            table.row([&one.at, &one.person, &one.form, &one.seal, &one.request, &one.audit_seq.to_string(), document]);
        }
        let more = page.next.map(|next| format!("More with --after {next}.\n")).unwrap_or_default();
        format!("{table}{more}")
    })
}

fn list_text(seals: &[SealInfo]) -> String {
    if seals.is_empty() {
        return "No seal. Make one with `yinxin seal make --name NAME --drawn round`.".to_owned();
    }
    let mut table = Table::new(["SEAL", "STATE", "KIND", "VALID UNTIL", "NAME"]);
    for seal in seals {
        table.row([&seal.id, &seal.state, &seal.kind, &seal.valid_until, &seal.name]);
    }
    table.to_string()
}

fn detail_text(detail: &SealDetail) -> String {
    let info = &detail.info;
    let mut table = Table::pairs();
    table.row(["seal", &info.id]);
    table.row(["name", &info.name]);
    table.row(["owner", &info.owner]);
    table.row(["kind", &info.kind]);
    let reason = info.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    table.row(["state", &format!("{} since {}{reason}", info.state, info.since)]);
    table.row(["valid", &format!("{} to {}", info.valid_from.as_deref().unwrap_or("-"), info.valid_until)]);
    table.row(["size", &format!("{} x {} mm", info.width, info.height)]);
    table.row(["key", if info.house_key { "kept here" } else { "held elsewhere" }]);
    let certificates = detail.certificates.iter().chain(&detail.holders);
    for subject in certificates.filter_map(|cert| Some(pem::subject(pem::certificates(cert.as_bytes()).ok()?.first()?)))
    {
        table.row(["signer", &subject]);
    }
    table.row([
        "users",
        &if detail.users.is_empty() { "everybody with the right".into() } else { detail.users.join(" ") },
    ]);
    if let Some(note) = &detail.note {
        table.row(["note", note]);
    }
    table.row(["used", &format!("{} times", detail.uses)]);
    table.row(["you may", &if detail.may.is_empty() { "-".to_owned() } else { detail.may.join(" ") }]);
    let mut steps = Table::new(["AT", "STATE", "BY", "LOG", "REASON"]);
    for step in &detail.steps {
        let alone = if step.one_step { " (alone)" } else { "" };
        let by = format!("{}{alone}", step.name.as_deref().unwrap_or(&step.person));
        let log = step.audit_seq.to_string();
        steps.row([&step.at, &step.state, &by, &log, step.reason.as_deref().unwrap_or("-")]);
    }
    format!("{table}\n{steps}")
}

fn status_text(status: &SealStatusInfo) -> String {
    let mut table = Table::pairs();
    table.row(["seal", &status.seal]);
    table.row(["name", &status.name]);
    table.row(["owner", &status.owner]);
    table.row(["status", &format!("{} since {}", status.status, status.since)]);
    table.row(["valid", &format!("{} to {}", status.valid_from, status.valid_until)]);
    table.row(["said", &format!("{}, good until {}", status.at, status.until)]);
    table.to_string()
}

/// Writes the seal, if it is made and somewhere to be written to.
fn write_seal(detail: &SealDetail, out: Option<&Path>) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    let seal = detail.seal.as_ref().ok_or_else(|| Failure::Here("The seal is not made yet.".to_owned()))?;
    file::put_new(out, &bytes(seal)?, file::PUBLIC)
}

/// That nothing stands where a file is going to be written: told before anything is done.
fn free(out: Option<&Path>) -> Result<(), Failure> {
    match out {
        Some(out) if out.symlink_metadata().is_ok() => {
            Err(Failure::file(out, &std::io::Error::from(std::io::ErrorKind::AlreadyExists)))
        }
        _ => Ok(()),
    }
}

fn bytes(base64: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(base64).map_err(|_| Failure::Here("The server sent something that is not base64.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(id: &str, name: &str, state: &str) -> SealInfo {
        SealInfo {
            id: id.to_owned(),
            name: name.to_owned(),
            owner: String::new(),
            kind: "official".to_owned(),
            state: state.to_owned(),
            since: String::new(),
            reason: None,
            valid_from: None,
            valid_until: String::new(),
            width: 42.0,
            height: 42.0,
            house_key: true,
            version: 1,
            applied: String::new(),
        }
    }

    #[test]
    fn a_seal_is_named_by_its_name_or_the_beginning_of_its_identifier() {
        let (a, b) = ("aaaaaa11111111111111111111111111", "AAAAAA22222222222222222222222222");
        let seals = || vec![seal(a, "甲公司", "enabled"), seal(b, "乙公司", "enabled"), seal("c", "甲公司", "revoked")];
        assert_eq!(chosen(seals(), "甲公司").unwrap(), a, "the one in use");
        assert_eq!(chosen(seals(), "aaaaaa2").unwrap(), b);
        assert!(chosen(seals(), "aaaaaa").is_err(), "two begin so");
        assert!(chosen(seals(), "aaaa").is_err(), "too few digits");
        assert!(chosen(seals(), "甲").is_err(), "part of a name is not enough");
        assert!(chosen(vec![seal(a, "x", "revoked"), seal(b, "x", "suspended")], "x").is_err());
    }

    #[test]
    fn a_file_that_is_in_the_way_is_told_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.esl");
        assert!(free(Some(&path)).is_ok() && free(None).is_ok());
        std::fs::write(&path, "x").unwrap();
        assert!(free(Some(&path)).is_err());
    }
}
