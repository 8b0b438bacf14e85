//! Hashed and derived passwords.

use aws_lc_rs::hmac;
use bcrypt::Version;
use zeroize::Zeroizing;

use super::random::random_bytes;
use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::Value;

const BCRYPT_COST: u32 = 10;
/// Milliseconds, on average.
const BCRYPT_WORK: u64 = 100;
const SCRYPT_WORK: u64 = 150;

pub(super) fn bcrypt(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let hash = hashed(run, args.bytes(0)?)?;
    run.text(hash)
}

pub(super) fn htpasswd(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let user = args.bytes(0)?;
    if user.contains(&b':') {
        return run.text([b"invalid username: ", user].concat());
    }
    let hash = hashed(run, args.bytes(1)?)?;
    run.text([user, b":", hash.as_bytes()].concat())
}

/// The hash, or sprig's message where Go's bcrypt refuses.
fn hashed(run: &mut Run<'_>, password: &[u8]) -> Outcome<String> {
    if password.len() > 72 {
        return Ok("failed to encrypt string with bcrypt: \
                   bcrypt: password length exceeds 72 bytes"
            .to_owned());
    }
    run.budget.work_on_keys(BCRYPT_WORK)?;
    let mut salt = [0; 16];
    random_bytes(&mut salt)?;
    let parts = bcrypt::hash_with_salt(password, BCRYPT_COST, salt)
        .map_err(|_| Fault::new("bcrypt failed"))?;
    Ok(parts.format_for_version(Version::TwoA))
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// The templates of each password type, the classes of their characters as
/// letters.
fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm, with sprig's byte lengths.
pub(super) fn derive_password(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let counter = u32::try_from(args.uint(0)?).unwrap_or_default();
    let (kind, password) = (args.bytes(1)?, args.bytes(2)?);
    let (user, site) = (args.bytes(3)?, args.bytes(4)?);
    let Some(templates) = templates(kind) else {
        return run.text([b"cannot find password template ", kind].concat());
    };
    run.budget.work_on_keys(SCRYPT_WORK)?;
    let failed = |_| Fault::new("scrypt failed");
    let salt = Zeroizing::new([SEED, &length(user), user].concat());
    let mut key = Zeroizing::new([0; 64]);
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|_| Fault::new("scrypt failed"))?;
    scrypt::scrypt(password, &salt, &parameters, &mut *key).map_err(failed)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
    let message = Zeroizing::new([SEED, &length(site), site, &counter.to_be_bytes()].concat());
    let tag = hmac::sign(&key, &message);
    let pick = |choices: usize, byte: u8| usize::from(byte) % choices.max(1);
    let (first, rest) = tag.as_ref().split_first().unwrap_or((&0, &[]));
    let template = templates
        .get(pick(templates.len(), *first))
        .copied()
        .unwrap_or_default();
    let out: Vec<u8> = template
        .bytes()
        .zip(rest)
        .filter_map(|(class, &byte)| {
            let choices = characters(class);
            choices.get(pick(choices.len(), byte)).copied()
        })
        .collect();
    run.text(out)
}

fn length(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}
