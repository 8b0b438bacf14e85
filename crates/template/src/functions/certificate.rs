//! Certificates: checking given ones and making new ones.

use std::net::IpAddr;
use std::rc::Rc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use x509_cert::der::{Decode, Encode};

use super::encoding::decode_base64;
use super::keys::{PrivateKey, RSA_2048_WORK, pem_block, pem_text};
use super::random::random_bytes;
use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::heap::List;
use crate::text::Text;
use crate::value::Value;

/// A certificate and its private key, both PEM.
#[derive(PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) cert: Text,
    pub(crate) key: Text,
}

fn value(run: &mut Run<'_>, cert: Vec<u8>, key: Vec<u8>) -> Outcome<Value> {
    run.budget.allocate(cert.len() + key.len())?;
    Ok(Value::Certificate(Rc::new(Certificate {
        cert: Text::new(cert),
        key: Text::new(key),
    })))
}

pub(super) fn build_custom_cert(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (cert, key) = (args.bytes(0)?, args.bytes(1)?);
    run.budget.allocate((cert.len() + key.len()) * 2)?;
    run.budget.step(((cert.len() + key.len()) / 8) as u64)?;
    let cert = decode_base64(cert).map_err(|_| Fault::new("the certificate is not base64"))?;
    let key = decode_base64(key).map_err(|_| Fault::new("the private key is not base64"))?;
    let block = pem_block(&cert).ok_or_else(|| Fault::new("the certificate is not PEM"))?;
    x509_cert::Certificate::from_der(&block.bytes)
        .map_err(|_| Fault::new("the certificate cannot be parsed"))?;
    PrivateKey::parse(&key)?;
    value(run, cert, key)
}

pub(super) fn gen_ca(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let request = Request::authority(args)?;
    let key = new_key(run)?;
    self_signed(run, &request, &key)
}

pub(super) fn gen_ca_with_key(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let key = PrivateKey::parse(args.bytes(2)?)?;
    let request = Request::authority(args)?;
    self_signed(run, &request, &key)
}

pub(super) fn gen_self_signed_cert(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let request = Request::server(run, args)?;
    let key = new_key(run)?;
    self_signed(run, &request, &key)
}

pub(super) fn gen_self_signed_cert_with_key(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let key = PrivateKey::parse(args.bytes(4)?)?;
    let request = Request::server(run, args)?;
    self_signed(run, &request, &key)
}

pub(super) fn gen_signed_cert(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let request = Request::server(run, args)?;
    let authority = Authority::parse(args.certificate(4)?)?;
    let key = new_key(run)?;
    signed(run, &request, &key, &authority)
}

pub(super) fn gen_signed_cert_with_key(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let key = PrivateKey::parse(args.bytes(5)?)?;
    let request = Request::server(run, args)?;
    let authority = Authority::parse(args.certificate(4)?)?;
    signed(run, &request, &key, &authority)
}

fn new_key(run: &mut Run<'_>) -> Outcome<PrivateKey> {
    run.budget.work_on_keys(RSA_2048_WORK)?;
    PrivateKey::generate_rsa(aws_lc_rs::rsa::KeySize::Rsa2048)
}

/// What a certificate is to say.
struct Request {
    common_name: String,
    names: Vec<SanType>,
    days: i64,
    authority: bool,
}

impl Request {
    fn authority(args: Args<'_>) -> Outcome<Self> {
        Ok(Request {
            common_name: args.text(0)?.lossy(),
            names: Vec::new(),
            days: args.int(1)?,
            authority: true,
        })
    }

    /// From the arguments name, IP addresses, DNS names and days.
    fn server(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Self> {
        let mut names = Vec::new();
        for name in strings(run, &args.list(2)?)? {
            let name = name
                .lossy()
                .try_into()
                .map_err(|_| Fault::new("a DNS name is not ASCII"))?;
            names.push(SanType::DnsName(name));
        }
        for address in strings(run, &args.list(1)?)? {
            let address: IpAddr = address.lossy().parse().map_err(|_| {
                Fault::with(
                    "error parsing an IP address",
                    format!("error parsing ip: {}", address.lossy()),
                )
            })?;
            // Go writes an embedded IPv4 address as IPv4.
            names.push(SanType::IpAddress(address.to_canonical()));
        }
        Ok(Request {
            common_name: args.text(0)?.lossy(),
            names,
            days: args.int(3)?,
            authority: false,
        })
    }

    fn parameters(&self) -> Outcome<CertificateParams> {
        let failed = || Fault::new("the validity is out of range");
        let mut parameters = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, self.common_name.as_str());
        parameters.distinguished_name = name;
        parameters.subject_alt_names.clone_from(&self.names);
        let now = jiff::Timestamp::now().as_second();
        let until = self
            .days
            .checked_mul(86_400)
            .and_then(|seconds| now.checked_add(seconds))
            .ok_or_else(failed)?;
        let date = |seconds: i64| {
            let civil = crate::time::Time::from_unix(seconds).civil();
            let part = |n: i64| u8::try_from(n).map_err(|_| failed());
            let year = i32::try_from(civil.year)
                .ok()
                .filter(|year| (0..10_000).contains(year));
            let midnight = rcgen::date_time_ymd(
                year.ok_or_else(failed)?,
                part(civil.month)?,
                part(civil.day)?,
            );
            let time = civil.hour * 3600 + civil.minute * 60 + civil.second;
            Ok(midnight + std::time::Duration::from_secs(time.unsigned_abs()))
        };
        (parameters.not_before, parameters.not_after) = (date(now)?, date(until)?);
        let mut serial = [0; 16];
        random_bytes(&mut serial)?;
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        parameters.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        parameters.is_ca = IsCa::ExplicitNoCa;
        if self.authority {
            parameters.key_usages.push(KeyUsagePurpose::KeyCertSign);
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        Ok(parameters)
    }
}

/// The strings of a list; any other item is an error.
fn strings(run: &mut Run<'_>, list: &List) -> Outcome<Vec<Text>> {
    run.budget.allocate(list.len() * 64)?;
    run.heap
        .to_vec(list)
        .into_iter()
        .map(|item| match item {
            Value::Text(text) => Ok(text),
            _ => Err(Fault::new("an address or name is not a string")),
        })
        .collect()
}

/// Who signs: a certificate and the key that belongs to it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn parse(certificate: &Certificate) -> Outcome<Self> {
        let unusable = || Fault::new("the signing certificate cannot be parsed");
        let block = pem_block(certificate.cert.as_bytes())
            .ok_or_else(|| Fault::new("the signing certificate is not PEM"))?;
        let parsed = x509_cert::Certificate::from_der(&block.bytes).map_err(|_| unusable())?;
        let key = PrivateKey::parse(certificate.key.as_bytes())?.signer()?;
        let public = parsed
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|_| unusable())?;
        if public != rcgen::PublicKeyData::subject_public_key_info(&key) {
            return Err(Fault::new(
                "the signing key does not belong to its certificate",
            ));
        }
        let issuer =
            Issuer::from_ca_cert_der(&block.bytes.to_vec().into(), key).map_err(|_| unusable())?;
        Ok(Authority { issuer })
    }
}

fn self_signed(run: &mut Run<'_>, request: &Request, key: &PrivateKey) -> Outcome<Value> {
    let signer = key.signer()?;
    let certificate = request
        .parameters()?
        .self_signed(&signer)
        .map_err(|_| Fault::new("error creating the certificate"))?;
    value(
        run,
        pem_text("CERTIFICATE", certificate.der()),
        key.to_pem().to_vec(),
    )
}

fn signed(
    run: &mut Run<'_>,
    request: &Request,
    key: &PrivateKey,
    authority: &Authority,
) -> Outcome<Value> {
    let signee = key.signer()?;
    let mut parameters = request.parameters()?;
    parameters.use_authority_key_identifier_extension = true;
    let certificate = parameters
        .signed_by(&signee, &authority.issuer)
        .map_err(|_| Fault::new("error creating the certificate"))?;
    value(
        run,
        pem_text("CERTIFICATE", certificate.der()),
        key.to_pem().to_vec(),
    )
}
