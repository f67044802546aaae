/**
 * The embedded broker as its own main program runs it, on a disk that can be ordered to fail: FAULTY_DISK_FILE names the file with the
 * order, SIGUSR2 says that it has changed.
 */
import { runBrokerProcess } from '../../packages/broker/src/broker-process.ts'
import { openFaultyDisk } from './disk-faults.ts'

const file = process.env.FAULTY_DISK_FILE
if (file === undefined) throw new Error('FAULTY_DISK_FILE must name the file with the order')
const disk = openFaultyDisk(file, () => process.kill(process.pid, 'SIGKILL'))
process.on('SIGUSR2', () => disk.reread())

await runBrokerProcess({ files: disk.files })
