//! Digests and AES.

use aes::Aes256;
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::encoding::decode_base64;
use super::random::random_bytes;
use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::Value;

pub(super) fn sha1sum(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    sum(run, args, &SHA1_FOR_LEGACY_USE_ONLY)
}

pub(super) fn sha256sum(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    sum(run, args, &SHA256)
}

pub(super) fn sha512sum(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    sum(run, args, &SHA512)
}

fn sum(run: &mut Run<'_>, args: Args<'_>, algorithm: &'static digest::Algorithm) -> Outcome<Value> {
    let input = args.bytes(0)?;
    run.budget.step(4 + input.len() as u64 / 16)?;
    let sum = digest::digest(algorithm, input);
    let digit = |n: u8| b"0123456789abcdef".get(usize::from(n)).copied();
    let hexadecimal: Vec<u8> = sum
        .as_ref()
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .flatten()
        .collect();
    run.text(hexadecimal)
}

pub(super) fn adler32sum(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    Ok(Value::from(
        adler2::adler32_slice(args.bytes(0)?).to_string(),
    ))
}

const BLOCK: usize = 16;

/// The password's bytes, cut or filled with zeros.
fn aes_key(password: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    for (slot, byte) in key.iter_mut().zip(password) {
        *slot = *byte;
    }
    key
}

/// AES-256-CBC with PKCS#7 padding; the initialization vector comes first.
pub(super) fn encrypt_aes(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let plaintext = args.bytes(1)?;
    if plaintext.is_empty() {
        return Ok(Value::from(""));
    }
    run.budget.step(plaintext.len() as u64 / 8)?;
    run.budget.allocate(plaintext.len() * 4)?;
    let key = aes_key(args.bytes(0)?);
    let mut vector = [0; BLOCK];
    random_bytes(&mut vector)?;
    let cipher = cbc::Encryptor::<Aes256>::new((&*key).into(), (&vector).into());
    let mut sealed = vector.to_vec();
    sealed.extend(cipher.encrypt_padded_vec::<Pkcs7>(plaintext));
    run.text(STANDARD.encode(sealed))
}

pub(super) fn decrypt_aes(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let input = args.bytes(1)?;
    if input.is_empty() {
        return Ok(Value::from(""));
    }
    run.budget.step(input.len() as u64 / 8)?;
    run.budget.allocate(input.len() * 2)?;
    let failed = || Fault::new("not what encryptAES makes");
    let sealed = decode_base64(input).map_err(|_| failed())?;
    let (vector, body) = sealed.split_first_chunk::<BLOCK>().ok_or_else(failed)?;
    let key = aes_key(args.bytes(0)?);
    let cipher = cbc::Decryptor::<Aes256>::new((&*key).into(), vector.into());
    let mut plaintext = Zeroizing::new(
        cipher
            .decrypt_padded_vec::<NoPadding>(body)
            .map_err(|_| failed())?,
    );
    // Go trusts the last byte, whatever it is.
    let padding = usize::from(*plaintext.last().ok_or_else(failed)?);
    let length = plaintext.len().checked_sub(padding).ok_or_else(failed)?;
    plaintext.truncate(length);
    run.text(plaintext.as_slice())
}
