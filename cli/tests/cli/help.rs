use snapbox::str;

use crate::directory::Directory;

fn shown(arguments: &str, text: impl snapbox::IntoData) {
    let done = Directory::new().seal(arguments).assert();
    done.success().stderr_eq("").stdout_eq(text);
}

#[test]
fn the_program_tells_its_version_and_its_commands() {
    shown(
        "--version",
        str![[r#"
seal version: v0.1.0

"#]],
    );
    shown(
        "--help",
        str![[r#"
Encrypts Kubernetes Secrets so that they can live in Git.

Only the controller in the cluster, which holds the private keys, can turn the result back into Secrets. Works with Bitnami Sealed Secrets.

Usage: seal <COMMAND>

Seal:
  encrypt      Seals Secrets: manifests in, SealedSecrets out
  value        Seals one value, to be pasted into encryptedData of a SealedSecret
  init         Makes a repository ready: writes .seal.yaml and the cluster's public keys

Change:
  set          Seals a new value into a file, in place
  unset        Removes values from a file, in place
  edit         Opens the values of a sealed file in your editor, and seals what changed
  rotate       Seals values again that are not under the current key, in place

Review:
  check        Finds what is wrong with SealedSecrets, and Secrets in plaintext, without a cluster
  diff         Tells what has changed in SealedSecrets, key by key
  template     Tries out the templates of SealedSecrets, with examples in place of the sealed values

Keys and recovery:
  keys         Fetches, lists, renews, backs up and retires the keys of a cluster
  decrypt      Recovers Secrets from SealedSecrets with the private keys, offline

This program:
  completions  Prints the script that lets a shell complete commands, options, file names and keys

Options:
  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Examples:
  Take the cluster's certificate along, once:
    seal keys fetch -w cert.pem
  Seal a Secret, offline:
    seal encrypt --cert cert.pem secret.yaml -w sealed.yaml
  Seal without a file in plaintext:
    kubectl create secret generic db --from-file=password=/dev/stdin -n team-a /
      --dry-run=client -o yaml | seal encrypt --cert cert.pem -w sealed.yaml

Exit status: 0 good, 1 the answer is no, 2 could not do it.

"#]],
    );
}

#[test]
fn every_command_tells_its_options() {
    shown(
        "template --help",
        str![[r#"
Tries out the templates of SealedSecrets, with examples in place of the sealed values.

Renders spec.template.data as the controller does, offline and without any key. A sealed value KEY is the text "example-KEY" unless --value says otherwise. What a template gets wrong is told in full here; the controller never quotes a value.

Usage: seal template [OPTIONS] [FILE]...

Arguments:
  [FILE]...
          Files with SealedSecrets; - or nothing is standard input

Options:
      --value <KEY=TEXT>
          An example for a sealed value, no secret one; may be repeated

  -o, --format <FORMAT>
          How to write

          Possible values:
          - yaml: One document each, with `---` before it
          - json: One pretty-printed document after the other

  -h, --help
          Print help (see a summary with '-h')

Examples:
  seal template sealed.yaml
  seal template --value port=5432 --value user=app sealed.yaml

Exit status: 0 everything rendered, 2 something did not, or could not be read.

"#]],
    );
    shown(
        "encrypt --help",
        str![[r#"
Seals Secrets: manifests in, SealedSecrets out.

Reads YAML or JSON with any number of documents, Lists included; every document must be a Secret. Of a directory, or a pattern that the shell has not expanded, it takes the .yaml, .yml and .json files with Secrets, as Git sees them: hidden files and what .gitignore excludes are passed over, as are files without any Secret, be they YAML or not, and templates, which it tells. Nothing is printed or written unless everything could be sealed.

.seal.yaml says for whom and in which scope, by the path of the file that is written, or else of the one that is read; what the command line says comes first. It works offline unless one of the two names a cluster to ask.

With a certificate one cluster opens the result, Sealed Secrets' own controller too. For age recipients several clusters open it, and an escrow key that is kept offline.

Plain YAML scalars that YAML 1.1 and 1.2 read differently (0777, on, 1_000) and duplicate keys are refused: quote what is meant as text.

Usage: seal encrypt [OPTIONS] [FILE]...

Arguments:
  [FILE]...
          Files with Secrets, directories, or patterns; - or nothing is standard input

Options:
      --scope <SCOPE>
          How far the sealed values may move: not at all, within their namespace, or anywhere.
          
          Without it the annotations of each Secret decide, then .seal.yaml, and strict is the default. With it the annotations are made to agree; that holds for strict, too, which kubeseal lets an annotation override.
          
          [possible values: strict, namespace-wide, cluster-wide]

  -n, --namespace <NAMESPACE>
          The namespace of Secrets that name none; one that names another is an error

      --name <NAME>
          The name of the SealedSecret, whatever the Secret is called

      --allow-empty-data
          Seal Secrets without any data, too

  -o, --format <FORMAT>
          How to write: yaml unless the output file is called .json

          Possible values:
          - yaml: One document each, with `---` before it
          - json: One pretty-printed document after the other

  -w, --output-file <FILE|DIR>
          Where to write; the file is replaced only when everything succeeded.
          
          A directory gets a file for each input, called as the input; apps/prod/db.yaml becomes DIR/prod/db.yaml when apps was named. It is made when the path ends in a slash. No input is ever overwritten, nor does one output overwrite another.

      --beside
          Write db.sealed.yaml beside db.yaml

  -i, --in-place
          Replace the Secrets where they stand; other documents and what is around them stay.
          
          What is sealed already stays, too, so it may run again and again. The plaintext is gone afterwards: at a terminal it asks first. Comments in a Secret go with it, also behind its last value and indented below it; lines of comment that begin in the first column stay.

      --keep-going
          Write the files in which everything could be sealed even when others are bad; the exit status still is 2

      --yes
          Do not ask

  -h, --help
          Print help (see a summary with '-h')

Values instead of a manifest:
      --from-file <[KEY=]FILE>
          A value from a file, under the file's name or KEY; of a directory every file in it, each under a name that can be a key; - is standard input. May be repeated

      --from-env-file <FILE>
          Values from a file with lines KEY=VALUE, quotes included; a line KEY takes the value from the environment, where it must be set. May be repeated

      --from-literal <KEY=VALUE>
          A value in plain sight: the shell's history and every process see it. May be repeated

      --type <TYPE>
          The type of the Secret; Opaque when absent

      --cert <FILE|URL>
          The certificate to seal with: a PEM file, or a file:, http: or https: URL.
          
          Without it .seal.yaml says with which, or the cluster that --context, --cluster, --server or --kubeconfig names is asked. When it cannot be reached, the certificate that it gave last is used.
          
          [env: SEALED_SECRETS_CERT]

  -r, --recipient <RECIPIENT>
          Who can open it: age1… or age1pq1… (post-quantum); may be repeated

  -R, --recipients-file <FILE|URL>
          Recipients from a file or a URL, one a line, as age takes them; may be repeated

      --kind <KIND>
          What to make of a value: an age envelope, which several clusters and an escrow key can open, or a hybrid one, which one cluster opens, that of Sealed Secrets too.
          
          auto makes age envelopes where age recipients are named, here or in .seal.yaml, and hybrid ones otherwise. age asks a cluster for its recipients where nothing names them.

          Possible values:
          - auto:   As the recipients have it
          - age:    For age recipients
          - hybrid: With a certificate
          
          [default: auto]

      --no-config
          Look at no .seal.yaml

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  seal encrypt --cert cert.pem secret.yaml -w sealed.yaml
  seal encrypt --in-place apps/
  seal encrypt plain/ -w sealed/
  seal encrypt --cert https://pki.example/cert.pem a.yaml b.yaml > sealed.yaml
  For two clusters and an escrow key:
    seal encrypt -R eu.txt -R us.txt -R escrow.txt secret.yaml -w sealed.yaml
  Without a Secret on the disk:
    seal encrypt --name db -n team-a --from-file password=- -w db.yaml
    seal encrypt --name tls -n team-a --type kubernetes.io/tls /
      --from-file tls.crt --from-file tls.key -w tls.yaml

"#]],
    );
    shown(
        "value --help",
        str![[r#"
Seals one value, to be pasted into encryptedData of a SealedSecret.

The value comes from a prompt without echo, standard input or a file, byte for byte, and never from the command line, where other users and the shell's history would see it. Prints the sealed text alone; standard error tells what the SealedSecret must look like for it to open. An empty value comes from a file alone, such as /dev/null.

Usage: seal value [OPTIONS] [FILE]

Arguments:
  [FILE]
          The file with the value; - or nothing is standard input

Options:
      --from-file <FILE>
          The same as FILE

      --scope <SCOPE>
          How far the sealed value may move: not at all, within its namespace, or anywhere; without it .seal.yaml says, and strict is the default
          
          [possible values: strict, namespace-wide, cluster-wide]

  -n, --namespace <NAMESPACE>
          The namespace of the SealedSecret; not needed with --scope cluster-wide

      --name <NAME>
          The name of the SealedSecret; needed only with --scope strict

      --cert <FILE|URL>
          The certificate to seal with: a PEM file, or a file:, http: or https: URL.
          
          Without it .seal.yaml says with which, or the cluster that --context, --cluster, --server or --kubeconfig names is asked. When it cannot be reached, the certificate that it gave last is used.
          
          [env: SEALED_SECRETS_CERT]

  -r, --recipient <RECIPIENT>
          Who can open it: age1… or age1pq1… (post-quantum); may be repeated

  -R, --recipients-file <FILE|URL>
          Recipients from a file or a URL, one a line, as age takes them; may be repeated

      --kind <KIND>
          What to make of a value: an age envelope, which several clusters and an escrow key can open, or a hybrid one, which one cluster opens, that of Sealed Secrets too.
          
          auto makes age envelopes where age recipients are named, here or in .seal.yaml, and hybrid ones otherwise. age asks a cluster for its recipients where nothing names them.

          Possible values:
          - auto:   As the recipients have it
          - age:    For age recipients
          - hybrid: With a certificate
          
          [default: auto]

      --no-config
          Look at no .seal.yaml

  -h, --help
          Print help (see a summary with '-h')

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  printf %s "$PASSWORD" | seal value --cert cert.pem -n team-a --name db
  seal value --cert cert.pem -n team-a --scope namespace-wide tls.key

"#]],
    );
    shown(
        "decrypt --help",
        str![[r#"
Recovers Secrets from SealedSecrets with the private keys, offline.

For the day when a cluster is lost but its keys are not. Reads YAML or JSON with any number of documents, Lists included, and prints all Secrets or, when any item does not open, none, and tells for each why. The owner reference that the controller would set is left out, for without the SealedSecret's uid API servers refuse it.

Usage: seal decrypt [OPTIONS] --identity <FILE> [FILE]...

Arguments:
  [FILE]...
          Files with SealedSecrets; - or nothing is standard input

Options:
  -i, --identity <FILE>
          Private keys: PEM, age identities as age-keygen writes them, or key Secrets in YAML or JSON; may be repeated, - is standard input

  -n, --namespace <NAMESPACE>
          The namespace of SealedSecrets that name none; one that names another is an error

  -o, --format <FORMAT>
          How to write: yaml unless the output file is called .json

          Possible values:
          - yaml: One document each, with `---` before it
          - json: One pretty-printed document after the other

  -w, --output-file <FILE>
          Where to write, readable for its owner alone; at a terminal it asks before it replaces a file

      --yes
          Do not ask

  -h, --help
          Print help (see a summary with '-h')

Examples:
  Keep the keys in a safe place while the cluster lives:
    kubectl get secret -n kube-system /
      -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml > keys.yaml
  Recover:
    seal decrypt --identity keys.yaml sealed.yaml | kubectl apply -f -
  With the escrow key, whatever has become of the clusters:
    seal decrypt --identity escrow.key sealed.yaml | kubectl apply -f -

Exit status: 0 everything opened, 2 something did not, or could not be read.

"#]],
    );
    shown(
        "keys rotate --help",
        str![[r#"
Asks the controller for a new key, and waits until it seals.

The old keys go on opening what was sealed with them; nothing has to be sealed again. It takes the rights of a key administrator (the Role seal-key-admin), who can neither read a key nor replace the published certificate. The controller makes a few keys an hour on request; requests that are made at the same time get the same one.

Each kind of keys has one that seals: another one of the other kind changes nothing about it. Age keys are made where the controller is told to (--age-keys).

Usage: seal keys rotate [OPTIONS]

Options:
      --kind <KIND>
          Which kind of key

          Possible values:
          - rsa: An RSA key with a certificate, with which kubeseal seals, too
          - age: An age key
          
          [default: rsa]

      --request-id <ID>
          Names the request: however often it is made, it leads to one key. Random when absent

      --timeout <DURATION>
          How long to wait for the new key (such as 30s or 5m); 0 is for ever
          
          [default: 2m]

  -o, --output <FORMAT>
          How to tell

          Possible values:
          - text: For people
          - json: One JSON document; docs/machine-output.md has its schema
          
          [default: text]

  -h, --help
          Print help (see a summary with '-h')

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  seal keys rotate
  seal keys rotate --request-id 2026-q3 --output json
  seal keys fetch -w cert.pem    # the new certificate
  seal keys rotate --kind age

Exit status: 0 the new key is there, 2 it is not.

"#]],
    );
    shown(
        "keys list --help",
        str![[r#"
Lists every key of a cluster: what it does, how old it is, and what needs it.

Standing: current seals and opens, one of each kind; active opens; awaits-backup opens, and seals once it is backed up; malformed is a Secret that holds no usable key; compromised, retired and other words take a key out of use; gone is a key that something needs and that is not there.

What needs a key in the cluster is counted from what the controller recorded in the status of each SealedSecret when it last unsealed it; <= is for objects under several keys that an earlier controller recorded, which did not count the values of each. With PATH the SealedSecrets of these files are counted, too: by their key hints, or for certain with the private keys (--identity).

Usage: seal keys list [OPTIONS] [PATH]...

Arguments:
  [PATH]...
          Files and directories whose SealedSecrets are counted, too

Options:
  -n, --namespace <NAMESPACE>
          The namespace of SealedSecrets in PATH that name none; one that names another is an error

  -i, --identity <FILE>
          Private keys that tell for certain what needs them: PEM, or key Secrets; may be repeated

  -o, --output <FORMAT>
          How to tell

          Possible values:
          - text: For people
          - json: One JSON document; docs/machine-output.md has its schema
          
          [default: text]

  -h, --help
          Print help (see a summary with '-h')

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  seal keys list
  seal keys list apps/
  seal keys list --identity keys.yaml apps/ --output json

"#]],
    );
    shown(
        "keys fetch --help",
        str![[r#"
Fetches the certificate to seal with, or the age recipients to seal for.

They are public: keep them in Git, and sealing needs no cluster. They come from the ConfigMap in which the controller publishes them, or else from the controller itself, through the API server. Standard error tells the key's id and when the certificate expires.

Which context and which controller, .seal.yaml says where the command line does not, by the path of the file that is written.

Usage: seal keys fetch [OPTIONS]

Options:
  -w, --output-file <FILE>
          Where to write it instead of standard output
          
          [alias: -o]

      --recipients
          The age recipients instead of the certificate, as a file for --recipients-file, .seal.yaml or age itself

      --no-config
          Look at no .seal.yaml

  -h, --help
          Print help (see a summary with '-h')

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  seal keys fetch -w cert.pem
  seal keys fetch --recipients -w recipients.txt
  seal keys fetch --context staging --controller-namespace sealed-secrets > staging.pem

"#]],
    );
}

#[test]
fn what_is_mistyped_is_answered_with_what_was_meant() {
    let directory = Directory::new();
    directory.fails(
        "encrpt",
        "",
        str![[r#"
error: unrecognized subcommand 'encrpt'

  tip: some similar subcommands exist: 'decrypt', 'encrypt'

Usage: seal <COMMAND>

For more information, try '--help'.

"#]],
    );
    directory.fails(
        "encrypt --certt cert.pem",
        "",
        str![[r#"
error: unexpected argument '--certt' found

  tip: a similar argument exists: '--cert'

Usage: seal encrypt --cert <FILE|URL> [FILE]...

For more information, try '--help'.

"#]],
    );
    directory.fails(
        "encrypt --scope wide",
        "",
        str![[r#"
error: invalid value 'wide' for '--scope <SCOPE>'
  [possible values: strict, namespace-wide, cluster-wide]

For more information, try '--help'.

"#]],
    );
    directory.fails(
        "decrypt sealed.yaml",
        "",
        str![[r#"
error: the following required arguments were not provided:
  --identity <FILE>

Usage: seal decrypt --identity <FILE> <FILE>...

For more information, try '--help'.

"#]],
    );
}

#[test]
fn an_empty_name_is_no_name() {
    // What a script passes whose variable is not set.
    for option in ["--name", "--namespace"] {
        let directory = Directory::new();
        let command = directory.seal("encrypt --cert cert.pem secret.yaml");
        let done = command.arg(option).arg("").assert().code(2).stdout_eq("");
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert!(told.contains("a value is required"), "{told}");
    }
}

#[test]
fn messages_have_no_colours_where_nobody_sees_them() {
    let directory = Directory::new();
    let done = directory.seal("encrypt --cert nofile secret.yaml").assert();
    assert!(!done.get_output().stderr.contains(&0x1b));
}

#[test]
fn the_commands_that_edit_in_place_tell_their_options() {
    shown(
        "set --help",
        str![[r#"
Seals a new value into a file, in place.

The value comes from a prompt without echo, standard input or a file, or is made up; the key may be there or new. It is sealed in the scope, name and namespace of the SealedSecret that the file holds. Comments, order, quoting and every other byte stay. A file that changes meanwhile is not overwritten. An empty value comes from a file alone, such as /dev/null: standard input is empty, too, where the program before it has failed.

Usage: seal set [OPTIONS] <FILE> <KEY>

Arguments:
  <FILE>
          A file with SealedSecrets, YAML or JSON

  <KEY>
          The key of the value in the Secret

Options:
      --from-file <FILE>
          The file with the value, taken byte for byte; - is standard input, which must not be empty

      --generate
          Makes up a value that nobody ever sees

      --length <NUMBER>
          How many characters to make up
          
          [default: 32]

      --alphabet <ALPHABET>
          Of what characters

          Possible values:
          - alphanumeric: A-Z, a-z, 0-9
          - hex:          0-9, a-f
          - digits:       0-9
          - printable:    All that ASCII can print, without the blank
          
          [default: alphanumeric]

      --characters <TEXT>
          Of exactly these characters of ASCII, each of them once

  -n, --namespace <NAMESPACE>
          The namespace of the SealedSecret: for a file that holds several, or one that names none

      --name <NAME>
          The name of the SealedSecret, for a file that holds several

      --cert <FILE|URL>
          The certificate to seal with: a PEM file, or a file:, http: or https: URL.
          
          Without it .seal.yaml says with which, or the cluster that --context, --cluster, --server or --kubeconfig names is asked. When it cannot be reached, the certificate that it gave last is used.
          
          [env: SEALED_SECRETS_CERT]

  -r, --recipient <RECIPIENT>
          Who can open it: age1… or age1pq1… (post-quantum); may be repeated

  -R, --recipients-file <FILE|URL>
          Recipients from a file or a URL, one a line, as age takes them; may be repeated

      --kind <KIND>
          What to make of a value: an age envelope, which several clusters and an escrow key can open, or a hybrid one, which one cluster opens, that of Sealed Secrets too.
          
          auto makes age envelopes where age recipients are named, here or in .seal.yaml, and hybrid ones otherwise. age asks a cluster for its recipients where nothing names them.

          Possible values:
          - auto:   As the recipients have it
          - age:    For age recipients
          - hybrid: With a certificate
          
          [default: auto]

      --no-config
          Look at no .seal.yaml

  -h, --help
          Print help (see a summary with '-h')

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  Type it in:
    seal set --cert cert.pem sealed.yaml password
  A password that nobody ever sees:
    seal set --cert cert.pem sealed.yaml password --generate --length 40
  From another program, or a file:
    pass show db | seal set --cert cert.pem sealed.yaml password
    seal set --cert cert.pem sealed.yaml tls.key --from-file tls.key

"#]],
    );
    shown(
        "unset --help",
        str![[r#"
Removes values from a file, in place.

Needs no certificate. Comments, order and every other byte stay. At a terminal it asks first.

Usage: seal unset [OPTIONS] <FILE> <KEY>...

Arguments:
  <FILE>
          A file with SealedSecrets, YAML or JSON

  <KEY>...
          The keys of the values in the Secret

Options:
  -n, --namespace <NAMESPACE>
          The namespace of the SealedSecret: for a file that holds several, or one that names none

      --name <NAME>
          The name of the SealedSecret, for a file that holds several

      --yes
          Do not ask

  -h, --help
          Print help (see a summary with '-h')

Examples:
  seal unset sealed.yaml old-password

"#]],
    );
    shown(
        "edit --help",
        str![[r#"
Opens the values of a sealed file in your editor, and seals what changed.

Values show as !sealed and stay so unless another is typed in their place; with the private keys they show in plaintext. $VISUAL or $EDITOR edits a file in a private directory in memory, which is removed with all that the editor left there. Editors that keep histories or undo files elsewhere do so here, too. In the sealed file every byte that is not asked about stays.

Usage: seal edit [OPTIONS] <FILE>

Arguments:
  <FILE>
          A file with SealedSecrets, YAML or JSON

Options:
  -i, --identity <FILE>
          Private keys that open the old values: PEM, age identities, or key Secrets in YAML or JSON; may be repeated

      --allow-disk
          Edits on disk where there is no file system in memory

  -n, --namespace <NAMESPACE>
          The namespace of the SealedSecret: for a file that holds several, or one that names none

      --name <NAME>
          The name of the SealedSecret, for a file that holds several

      --cert <FILE|URL>
          The certificate to seal with: a PEM file, or a file:, http: or https: URL.
          
          Without it .seal.yaml says with which, or the cluster that --context, --cluster, --server or --kubeconfig names is asked. When it cannot be reached, the certificate that it gave last is used.
          
          [env: SEALED_SECRETS_CERT]

  -r, --recipient <RECIPIENT>
          Who can open it: age1… or age1pq1… (post-quantum); may be repeated

  -R, --recipients-file <FILE|URL>
          Recipients from a file or a URL, one a line, as age takes them; may be repeated

      --kind <KIND>
          What to make of a value: an age envelope, which several clusters and an escrow key can open, or a hybrid one, which one cluster opens, that of Sealed Secrets too.
          
          auto makes age envelopes where age recipients are named, here or in .seal.yaml, and hybrid ones otherwise. age asks a cluster for its recipients where nothing names them.

          Possible values:
          - auto:   As the recipients have it
          - age:    For age recipients
          - hybrid: With a certificate
          
          [default: auto]

      --no-config
          Look at no .seal.yaml

  -h, --help
          Print help (see a summary with '-h')

Cluster options:
      --controller-name <NAME>
          The name of the controller's Service [default: sealed-secrets-controller]
          
          [env: SEALED_SECRETS_CONTROLLER_NAME]

      --controller-namespace <NAMESPACE>
          The namespace of the controller [default: kube-system]
          
          [env: SEALED_SECRETS_CONTROLLER_NAMESPACE]

      --kubeconfig <FILE>
          The kubeconfig file

      --context <NAME>
          The context of the kubeconfig

      --cluster <NAME>
          The cluster of the kubeconfig

      --user <NAME>
          The user of the kubeconfig

  -s, --server <URL>
          The address of the API server

      --token <TOKEN>
          The bearer token for the API server

      --as <USER>
          The user to act as

      --as-group <GROUP>
          A group to act as; may be repeated

      --request-timeout <DURATION>
          How long to wait for the cluster (such as 30s or 1m); 0 is for ever
          
          [default: 0]

Examples:
  seal edit --cert cert.pem sealed.yaml
  EDITOR="code --wait" seal edit --cert cert.pem sealed.yaml --identity keys.yaml

"#]],
    );
}
