using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Architecture.Tests;

/// <summary>The native program finds credentials wherever the AWS SDK looks for them, the parts that the SDK loads by name included.</summary>
public sealed class NativeCredentialTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("variables")]
    [InlineData("profile")]
    [InlineData("default profile")]
    [InlineData("role of a profile")]
    [InlineData("process of a profile")]
    [InlineData("web identity")]
    [InlineData("container")]
    [InlineData("instance")]
    public async Task Credentials_are_found(string kind)
    {
        NativeProgram.SkipUnlessNative();
        using var identity = IdentityServer.Start();
        await using var minio = await MinioServer.TryStartAsync(Cancellation);
        if (minio is null)
            Assert.Skip(TestPrograms.Missing("minio", "MINIO"));
        await identity.HandOutAsync(minio, Cancellation);
        using var program = new NativeProgram();
        var url = Arrange(kind, program, identity, minio);
        program.Run("repo", "init", "--repo", url).MustBe(0);
        program.Run("snapshot", "list", "--repo", url).MustBe(0);
    }

    /// <summary>Sets the variables and writes the files of a kind of credential, and no other.</summary>
    private static string Arrange(string kind, NativeProgram program, IdentityServer identity, MinioServer minio)
    {
        var (home, variables) = (program.Directory, program.Variables);
        foreach (var name in MinioServer.Credentials.Keys)
            variables[name] = "";
        variables["HOME"] = home;
        variables["AWS_REGION"] = "us-east-1";
        variables["AWS_SHARED_CREDENTIALS_FILE"] = Path.Combine(home, "credentials");
        variables["AWS_CONFIG_FILE"] = Path.Combine(home, "config");
        variables["AWS_ENDPOINT_URL_STS"] = minio.Endpoint.AbsoluteUri;
        variables["AWS_EC2_METADATA_DISABLED"] = kind == "instance" ? "false" : "true";
        var keys = $"aws_access_key_id = {MinioServer.AccessKey}\naws_secret_access_key = {MinioServer.SecretKey}\n";
        switch (kind)
        {
            case "variables":
                foreach (var (name, value) in MinioServer.Credentials)
                    variables[name] = value;
                break;
            case "profile":
                File.WriteAllText(variables["AWS_SHARED_CREDENTIALS_FILE"], "[edge]\n" + keys);
                return minio.Url("x") + "&profile=edge";
            case "default profile":
                File.WriteAllText(variables["AWS_SHARED_CREDENTIALS_FILE"], "[default]\n" + keys);
                break;
            case "role of a profile":
                File.WriteAllText(variables["AWS_SHARED_CREDENTIALS_FILE"], "[base]\n" + keys);
                File.WriteAllText(variables["AWS_CONFIG_FILE"], "[profile edge]\nrole_arn = arn:aws:iam::123456789012:role/edge\nsource_profile = base\nregion = us-east-1\n");
                return minio.Url("x") + "&profile=edge";
            case "process of a profile":
                var script = Path.Combine(home, "print-credentials");
                File.WriteAllText(script, $"#!/bin/sh\necho '{{\"Version\":1,\"AccessKeyId\":\"{MinioServer.AccessKey}\",\"SecretAccessKey\":\"{MinioServer.SecretKey}\"}}'\n");
                File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                File.WriteAllText(variables["AWS_CONFIG_FILE"], $"[profile edge]\ncredential_process = {script}\n");
                return minio.Url("x") + "&profile=edge";
            case "web identity":
                File.WriteAllText(Path.Combine(home, "token"), "header.body.signature");
                variables["AWS_ENDPOINT_URL_STS"] = identity.Address.AbsoluteUri;
                variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = Path.Combine(home, "token");
                variables["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/edge";
                variables["AWS_ROLE_SESSION_NAME"] = "edge";
                break;
            case "container":
                variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = new Uri(identity.Address, "container").AbsoluteUri;
                break;
            default:
                variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = identity.Address.AbsoluteUri.TrimEnd('/');
                break;
        }

        return minio.Url("x");
    }
}
