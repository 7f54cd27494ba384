# fish completion for spotfsctl
set -l commands blob conflicts flush fsck scrub writers
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -f
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -a blob -d 'The values of blobs/, by key'
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -a conflicts -d 'List files kept beside a winner'
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -a flush -d 'Store all that was written'
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -a fsck -d 'Read everything again'
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -a scrub -d 'Store again what is lost'
complete -c spotfsctl -n "not __fish_seen_subcommand_from $commands" -a writers -d 'List machines that change this disk'
complete -c spotfsctl -n "__fish_seen_subcommand_from blob; and not __fish_seen_subcommand_from get put rm ls" \
    -f -a 'get put rm ls'
complete -c spotfsctl -n '__fish_seen_subcommand_from blob' -l mount -x -a '(__fish_complete_directories)'
complete -c spotfsctl -n '__fish_seen_subcommand_from blob' -l source -x -a 'embedded: spot: wss://'
complete -c spotfsctl -n '__fish_seen_subcommand_from blob' -s o -x -d 'With --source: options of spotfs'
complete -c spotfsctl -n '__fish_seen_subcommand_from fsck' -l repair -d 'Move what is not whole away'
complete -c spotfsctl -n '__fish_seen_subcommand_from fsck' -l accept-older -d 'Take what the relay shows'
complete -c spotfsctl -n '__fish_seen_subcommand_from writers' -a retire -d 'End one that will not come back'
complete -c spotfsctl -l json -d 'One JSON object a line'
complete -c spotfsctl -l progress -x -a 'auto always never' -d 'A progress bar'
complete -c spotfsctl -s h -l help -d 'List the commands'
complete -c spotfsctl -l version -d 'Print the version'
