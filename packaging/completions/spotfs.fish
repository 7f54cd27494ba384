# fish completion for spotfs
function __spotfs_options
    set -l given (string replace -r '[^,]*$' '' -- (commandline -ct))
    for option in accept_store allow= allow_dev allow_other allow_suid bind=any bind=require ca= cache= cache=none \
            cache_size= commit= conflicts=keep conflicts=last default_permissions delay_connect dmask= drain= expect= fmask= gid= groups= \
            identity= keepalive= listen= listen_timeout= log=debug log=error log=info log=warning memory= mount_timeout= \
            noatime nodev noexec nosuid offline=fail offline=stale offline_grace= peers= plain=any plain=new plain=none \
            query_timeout= refresh= remount ro rw scrub= size= state= subtree=files threads= timeout= uid= umask= \
            writeback
        echo $given$option
    end
end
complete -c spotfs -f -a 'embedded: spot: wss:// (__fish_complete_directories)'
complete -c spotfs -s f -d 'Stay in the foreground'
complete -c spotfs -s d -d 'Stay in the foreground, say more'
complete -c spotfs -s o -x -a '(__spotfs_options)' -d 'Options'
complete -c spotfs -s h -l help -d 'List the options'
complete -c spotfs -s V -l version -d 'Print the version'
