Console.Error.WriteLine("relocate-server: not there yet");
return 1;
